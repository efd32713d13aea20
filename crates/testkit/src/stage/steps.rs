//! What a transcript's steps do on the stage.

use std::time::Duration;

use modem::{Input, LineId, LineKind, WorldChange};
use pdu::Stamp;
use transcript::{
    Clock, DnsAnswer, Leftover, PeerStep, PowerOn, Progress, QueryStep, SmsStep, Stage, StageError,
    StoreStep, World,
};

use super::{Port, VirtualStage};

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Stage for VirtualStage {
    fn send(&mut self, line: u8, bytes: &[u8]) -> Result<(), StageError> {
        self.port(line)?.waiting.extend(bytes);
        self.settle()
    }

    fn receive(&mut self, line: u8, into: &mut Vec<u8>) -> Result<(), StageError> {
        let port = self.port(line)?;
        port.received += port.said.len();
        into.append(&mut port.said);
        Ok(())
    }

    fn wait(&mut self, limit: Duration) -> Result<Duration, StageError> {
        let start = self.now;
        let target = self.now.saturating_add(millis(limit));
        let before = self.caused;
        while self.caused == before && self.now < target {
            let next = self.deadline().unwrap_or(u64::MAX).min(target);
            self.tick(next)?;
        }
        Ok(Duration::from_millis(self.now - start))
    }

    fn clock(&self) -> Clock {
        Clock::Virtual
    }

    fn power_on(&mut self, plan: &PowerOn<'_>) -> Result<(), StageError> {
        for setting in plan.settings {
            world::set_up(&mut self.setup, setting).map_err(|e| StageError::Failed(e.to_string()))?;
        }
        self.setup.lines.resize(usize::from(plan.lines).max(1), LineKind::Plain);
        self.lines = (0..plan.lines).map(|_| Port::default()).collect();
        self.make(plan.cold)
    }

    fn world(&mut self, change: &World) -> Result<(), StageError> {
        let change = world::change(change);
        self.setup.world.apply(&change);
        self.hand(Input::World(change))?;
        self.settle()
    }

    fn dns(&mut self, name: &str, answer: DnsAnswer) -> Result<(), StageError> {
        self.network.set_dns(name, answer);
        Ok(())
    }

    fn peer(&mut self, number: Option<u32>, step: &PeerStep) -> Result<Progress, StageError> {
        let progress = self.network.step(self.now, number, step)?;
        self.settle()?;
        Ok(progress)
    }

    fn query(&mut self, number: Option<u32>, step: &QueryStep) -> Result<Progress, StageError> {
        let progress = self.queries.step(self.now, number, step)?;
        self.settle()?;
        Ok(progress)
    }

    fn sms(&mut self, step: &SmsStep) -> Result<Progress, StageError> {
        let passed = i64::try_from(self.now).unwrap_or(i64::MAX);
        let seconds = self.setup.unix_millis.saturating_add(passed).div_euclid(1000);
        let stamp = Stamp::new(seconds, self.setup.profile.time_zone_quarters);
        let tpdus = match self.messages.step(step, stamp)? {
            Ok(tpdus) => tpdus,
            Err(missing) => return Ok(Progress::NotYet(missing)),
        };
        for tpdu in tpdus {
            self.hand(Input::World(WorldChange::Message { tpdu }))?;
            self.settle()?;
        }
        Ok(Progress::Done)
    }

    fn store(&mut self, step: &StoreStep) -> Result<(), StageError> {
        match step {
            StoreStep::Put { path, contents } => self.store.put(path, contents.clone()),
            StoreStep::Has { path, contents } => match self.store.file(path) {
                Some(got) if got == contents => {}
                Some(got) => {
                    let what = format!("the file {path} has another content");
                    return Err(StageError::Differs { what, expected: contents.clone(), got: got.to_vec() });
                }
                None => return Err(StageError::Failed(format!("there is no file {path}"))),
            },
            StoreStep::Lacks { path } if self.store.file(path).is_some() => {
                return Err(StageError::Failed(format!("there is a file {path}")));
            }
            StoreStep::Lacks { .. } => {}
            StoreStep::Fails(on) => self.store.failing = *on,
            StoreStep::Hold(on) => {
                self.holds_store = *on;
                while let Some((ticket, result)) = self.held.pop_front().filter(|_| !*on) {
                    self.hand(Input::Store { ticket, result })?;
                    self.settle()?;
                }
            }
        }
        Ok(())
    }

    fn stall(&mut self, line: u8, on: bool) -> Result<(), StageError> {
        let port = self.port(line)?;
        port.stalled = on;
        if !on {
            let bytes = std::mem::take(&mut port.stuck);
            port.said.extend_from_slice(&bytes);
            self.hand(Input::Written { line: LineId(line), bytes: bytes.len() })?;
            self.settle()?;
        }
        Ok(())
    }

    fn dtr(&mut self, line: u8, on: bool) -> Result<(), StageError> {
        self.port(line)?;
        self.hand(Input::Dtr { line: LineId(line), on })?;
        self.settle()
    }

    fn line_setting(&mut self, line: u8, setting: Option<&str>, said: usize) -> Result<Progress, StageError> {
        let settings = &mut self.port(line)?.settings;
        let there: Vec<&str> = settings.iter().map(|(_, setting)| setting.as_str()).collect();
        let Some(wanted) = setting else {
            let what = format!("the module has set something about line {line}: {there:?}");
            return if there.is_empty() { Ok(Progress::Done) } else { Err(StageError::Failed(what)) };
        };
        let Some(index) = there.iter().position(|setting| *setting == wanted) else {
            let what = format!("the module has not set {wanted} on line {line}; there are: {there:?}");
            return Ok(Progress::NotYet(StageError::Failed(what)));
        };
        let at = settings[index].0;
        if at != said {
            let (side, off) =
                if at < said { ("in front of the last", said - at) } else { ("behind", at - said) };
            let bytes = if at < said { "bytes expected" } else { "bytes more than were expected" };
            return Err(StageError::Failed(format!("the module has set {wanted} {side} {off} {bytes}")));
        }
        settings.drain(..=index);
        Ok(Progress::Done)
    }

    fn note(&mut self, text: &str) -> Result<Progress, StageError> {
        if let Some(index) = self.notes.iter().position(|note| note.contains(text)) {
            self.notes.drain(..=index);
            return Ok(Progress::Done);
        }
        let there: Vec<&str> = self.notes.iter().map(String::as_str).collect();
        let what = format!("no explanation has these words; there are: {there:?}");
        Ok(Progress::NotYet(StageError::Failed(what)))
    }

    fn power(&mut self, restarting: bool) -> Result<Progress, StageError> {
        let spell = |restarting: bool| if restarting { "restarted" } else { "switched itself off" };
        match self.power.pop_front() {
            Some(got) if got == restarting => Ok(Progress::Done),
            Some(got) => Err(StageError::Failed(format!("the module {}", spell(got)))),
            None => {
                let what = format!("the module has not {}", spell(restarting));
                Ok(Progress::NotYet(StageError::Failed(what)))
            }
        }
    }

    fn restart(&mut self, cold: bool) -> Result<(), StageError> {
        self.network.drop_all();
        self.queries.drop_all();
        self.store.killed();
        self.make(cold)
    }

    fn leftovers(&mut self) -> Vec<Leftover> {
        let mut all = self.network.leftovers();
        all.append(&mut self.queries.leftovers());
        for (area, bytes) in self.store.staged() {
            let what = format!("{area:?} has staged a content and neither committed nor discarded it");
            all.push(Leftover { what, bytes: bytes.to_vec() });
        }
        all
    }
}
