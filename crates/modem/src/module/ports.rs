//! What the lines are beyond their bytes: circuits and settings, told when they change.

use core::mem;

use super::Module;
use crate::families;
use crate::io::{LineId, Output};
use crate::line::{Circuits, Line, LineState};
use crate::timer::Timer;

impl Module {
    /// The host's DTR on a line changes.
    pub(crate) fn dtr_changed(&mut self, line: LineId, on: bool) {
        if usize::from(line.0) < self.lines.len() {
            let before = mem::replace(&mut self.line_mut(line).port.dtr, on);
            if before && !on && self.running {
                families::call::dtr_fell(self, line);
            }
        }
    }

    /// The circuits of a line as they have to be now.
    fn circuits(&self, line: &Line) -> Circuits {
        let carrier = line.port.carrier || line.port.dcd == 0;
        Circuits { dcd: self.running && carrier, ri: self.running && line.port.ringing, dsr: self.running }
    }

    /// Tells what has changed about how a line works, behind what the line has said by now.
    pub(crate) fn tell_settings(&mut self, id: LineId) {
        let Some(line) = self.line(id) else { return };
        let circuits = self.circuits(line);
        let busy = !matches!(line.state, LineState::Idle);
        if line.port.changed(circuits, busy) {
            self.write(id);
            for setting in self.line_mut(id).port.changes(circuits, busy) {
                self.outputs.push_back(Output::LineSetting { line: id, setting });
            }
        }
    }

    /// Pulses RI: something unsolicited is about to be said.
    pub(super) fn ring(&mut self, id: LineId) {
        let pulse = self.setup.profile.timing.ring;
        if pulse > 0 {
            self.line_mut(id).port.ringing = true;
            self.tell_settings(id);
            self.timers.arm(Timer::Ring(id), self.now + pulse);
        }
    }
}
