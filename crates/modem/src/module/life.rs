//! On, off, and on the way between them.

use super::Module;
use crate::families::{self, Families};
use crate::io::Output;
use crate::timer::Timer;

impl Module {
    /// Power comes: boots at once, later or never, as the surroundings want it.
    pub(crate) fn switch_on(&mut self) {
        match self.world.boot.take(0) {
            Some(0) => self.boot(),
            Some(millis) => self.timers.arm(Timer::Boot, self.now + millis),
            None => {
                self.hangs = true;
                self.note(
                    None,
                    "boot",
                    "the module hangs and answers nothing (no OK to AT within 90 s): pull RESET_IN_N low for 150 ms or more",
                );
            }
        }
    }

    /// Whether the module is off for good: it does not run, hang or come up by itself.
    pub(crate) fn off(&self) -> bool {
        !self.running && !self.hangs && !self.rising()
    }

    /// Whether the module is on its way up.
    fn rising(&self) -> bool {
        self.timers.is_armed(Timer::Boot) || self.timers.is_armed(Timer::Restart)
    }

    /// Comes up: fresh state, stored settings, boot messages.
    pub(crate) fn boot(&mut self) {
        self.running = true;
        self.booted = self.now;
        self.families = Families::new(&self.setup);
        for line in &mut self.lines {
            *line = line.restarted(self.setup.profile);
        }
        self.load_settings();
        for id in self.line_ids() {
            self.line_mut(id).port.settle_rate();
            self.tell_settings(id);
        }
        families::power_on(self);
    }

    /// Goes down. With `restart_after` (milliseconds) it boots again by itself.
    pub(crate) fn halt(&mut self, restart_after: Option<u64>) {
        self.running = false;
        self.hangs = false;
        self.timers.clear();
        families::halt(self);
        self.clear_air();
        for line in self.line_ids() {
            let port = &mut self.line_mut(line).port;
            (port.carrier, port.ringing) = (false, false);
            self.tell_settings(line);
        }
        self.outputs.push_back(Output::Power { restarting: restart_after.is_some() });
        if let Some(millis) = restart_after {
            self.timers.arm(Timer::Restart, self.now + millis);
        }
    }
}
