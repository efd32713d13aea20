//! Working off a line's commands: queue → commands → answers, and open commands between.

use alloc::string::String;
use alloc::vec::Vec;
use at::{Args, Commands, Event, FinalCode, Form, Reply};
use core::mem;

use super::{Kept, Module};
use crate::command::{Answer, Fault, Outcome, Resume, Test, subject};
use crate::exchange::Exchange;
use crate::families::serial::{Asleep, hears};
use crate::families::{self, Op};
use crate::io::{LineId, QueryFailure, QueryId, QueryReply, Section, StoreError, StoreReply, Ticket};
use crate::line::{Awaits, LineState, OpenCommand, PausedLine};
use crate::timer::Timer;

impl Module {
    /// How many more bytes a line takes from the host.
    pub(crate) fn line_room(&self, line: LineId) -> usize {
        let Some(line) = self.lines.get(usize::from(line.0)) else { return 0 };
        if line.streams() {
            return families::socket::stream_room(self).saturating_sub(line.reader.queued());
        }
        // Without what is held back: that waits for the open command, which may in turn wait for the host's bytes.
        if line.unwritten() > self.setup.profile.line_backlog {
            return 0;
        }
        self.setup.profile.line_queue.saturating_sub(line.reader.queued())
    }

    pub(crate) fn line_input(&mut self, line: LineId, bytes: &[u8]) {
        if !self.running || usize::from(line.0) >= self.lines.len() {
            return;
        }
        let bytes = self.heard(line, bytes);
        let room = if self.line_mut(line).streams() {
            self.line_room(line)
        } else {
            self.setup.profile.line_queue.saturating_sub(self.line_mut(line).reader.queued())
        };
        let kept = &bytes[..bytes.len().min(room)];
        match self.line_mut(line).reader.pass(kept) {
            Some(bytes) => families::socket::host_sent(self, bytes),
            None => self.line_mut(line).reader.push(kept),
        }
        if kept.len() < bytes.len() {
            let lost = bytes.len() - kept.len();
            self.note(
                Some(line),
                "input",
                alloc::format!("{lost} bytes lost: the line's input buffer is full"),
            );
        }
        self.pump(line);
        self.extend_data_phase(line, !kept.is_empty());
    }

    /// A byte has come, and a data phase may wait for the next one as long again.
    fn extend_data_phase(&mut self, id: LineId, came: bool) {
        let line = self.line_mut(id);
        let collects = matches!(&line.state, LineState::Open(open) if open.awaits == Awaits::Data);
        if let Some(millis) = line.data_gap.filter(|_| came && collects) {
            self.timers.arm(Timer::DataPhase(id), self.now + millis);
        }
    }

    /// What of the bytes reaches the reader: none until the bit rate is found out (the start-up messages are said then), and
    /// none while the module sleeps.
    fn heard<'b>(&mut self, id: LineId, bytes: &'b [u8]) -> &'b [u8] {
        if bytes.is_empty() {
            return bytes;
        }
        let line = self.line_mut(id);
        if !line.port.deaf() {
            if matches!(line.state, LineState::Idle) && line.reader.queued() == 0 {
                match hears(self, id) {
                    Ok(()) => {}
                    Err(Asleep::Waking { first: false }) => return &[],
                    Err(Asleep::Waking { first: true }) => {
                        let text = "the module was asleep (AT+CSCLK=2) and loses what wakes it; send AT until it answers";
                        self.note(Some(id), "input", text);
                        return &[];
                    }
                    Err(Asleep::Dtr) => {
                        let text =
                            "bytes lost: DTR is off, so the module sleeps (AT+CSCLK=1); switch DTR on first";
                        self.note(Some(id), "input", text);
                        return &[];
                    }
                }
            }
            let now = self.now;
            self.families.serial.active(now);
            return bytes;
        }
        let Some((taken, pair)) = line.port.train(bytes) else {
            if bytes.contains(&b'\r') && line.port.first_in_vain() {
                let text = "a line came, but the module still finds out the bit rate (AT+IPR is 0): it hears AT and at only, \
                            and says nothing before";
                self.note(Some(id), "input", text);
            }
            return &[];
        };
        self.flush();
        self.line_mut(id).reader.push(&pair);
        &bytes[taken..]
    }

    pub(crate) fn written(&mut self, line: LineId, bytes: usize) {
        let line_state = self.line_mut(line);
        line_state.unconfirmed = line_state.unconfirmed.saturating_sub(bytes);
        families::drained(self);
    }

    pub(crate) fn store_result(&mut self, ticket: Ticket, result: Result<StoreReply, StoreError>) {
        if let Some(index) = self.persisting.iter().position(|(asked, ..)| *asked == ticket) {
            let (_, section, Kept(bytes)) = self.persisting.remove(index);
            match section {
                Section::Settings if result.is_ok() => self.setup.settings = Some(bytes),
                Section::Settings => {}
                Section::Messages => {
                    if result.is_ok() {
                        self.setup.messages = Some(bytes);
                    }
                    let later = self.persisting.iter().any(|(_, section, _)| *section == Section::Messages);
                    let kept = self.setup.messages.as_deref();
                    self.mailbox.stored(self.setup.profile, ticket, result.is_ok(), (!later).then_some(kept));
                }
            }
        }
        // It was asked by a command that went down with the module.
        if !self.running {
            return;
        }
        let line = self.line_ids().find(|line| {
            matches!(&self.line_mut(*line).state,
                LineState::Open(open) if open.awaits == Awaits::Store(ticket))
        });
        match line {
            Some(line) => {
                self.resume(line, Resume::Store(result));
                self.pump(line);
            }
            None => families::stored(self, ticket, result),
        }
    }

    /// The network has answered a question: of an open command, or of a family.
    pub(crate) fn query_result(&mut self, query: QueryId, result: Result<QueryReply, QueryFailure>) {
        let Some(result) = self.looked(query, result) else { return };
        let line = self.line_ids().find(|line| {
            matches!(&self.line_mut(*line).state,
                LineState::Open(open) if open.awaits == Awaits::Query(query))
        });
        match line {
            _ if !self.running => {}
            Some(line) => {
                self.resume(line, Resume::Query(result));
                self.pump(line);
            }
            None => families::answered(self, query, result),
        }
    }

    /// Works off what a line has received, as far as it can now.
    pub(crate) fn pump(&mut self, id: LineId) {
        let backlog = self.setup.profile.line_backlog;
        while self.running {
            if let Some(PausedLine { text, position, said }) = self.line_mut(id).take_paused(backlog) {
                let reply = self.begin_reply(id);
                self.run_commands(id, text, position, said, reply);
                continue;
            }
            // What the line before has led to comes before the next one's echo, however they were portioned.
            self.release(id);
            let line = self.line_mut(id);
            if !line.reads(backlog) {
                return;
            }
            let event = line.reader.next(&mut line.out);
            if line.reader.take_line_feed() {
                self.note(Some(id), "input", "the line ended with LF; commands end with CR");
            }
            let Some(event) = event else { return };
            let line = self.line_mut(id);
            match event {
                Event::Line | Event::Repeat => {
                    let text = line.reader.take_text();
                    self.run_line(id, text);
                }
                Event::Overlong => {
                    let mut reply = self.begin_reply(id);
                    reply.final_code(FinalCode::Error);
                    self.line_mut(id).out = reply.into_bytes();
                    let limit = self.setup.profile.line_limit;
                    let text =
                        alloc::format!("the command line is longer than {limit} bytes and was discarded");
                    self.note(Some(id), "input", text);
                }
                Event::Data(end) => {
                    let bytes = line.reader.take_data();
                    self.resume(id, Resume::Data(end, bytes));
                }
                Event::Stream => {
                    let bytes = line.reader.take_stream();
                    families::socket::host_sent(self, &bytes);
                }
            }
        }
    }

    pub(super) fn begin_reply(&mut self, line: LineId) -> Reply {
        let line = self.line_mut(line);
        Reply::new(mem::take(&mut line.out), line.format)
    }

    pub(super) fn run_line(&mut self, id: LineId, text: Vec<u8>) {
        match Commands::new(&text).map(|commands| commands.position()) {
            Ok(position) => {
                let reply = self.begin_reply(id);
                self.run_commands(id, text, position, false, reply);
            }
            Err(error) => {
                let mut reply = self.begin_reply(id);
                reply.final_code(FinalCode::Error);
                self.finish_line(id, text, reply);
                self.note(Some(id), "input", alloc::format!("{error}"));
            }
        }
    }

    /// Runs the rest of a line. `said`: the last command before had a result of its own instead of OK.
    pub(super) fn run_commands(
        &mut self,
        id: LineId,
        text: Vec<u8>,
        position: usize,
        said: bool,
        mut reply: Reply,
    ) {
        let mut position = position;
        let mut said = said;
        loop {
            let unwritten = self.line_mut(id).unconfirmed.saturating_add(reply.written());
            if unwritten > self.setup.profile.line_backlog && position < text.len() {
                let line = self.line_mut(id);
                line.out = reply.into_bytes();
                line.state = LineState::Paused(PausedLine { text, position, said });
                return;
            }
            let mut commands = Commands::resume(&text, position);
            let (name, answer) = match commands.next_command() {
                None => {
                    if !said {
                        reply.set_format(self.line_mut(id).format);
                        reply.final_code(FinalCode::Ok);
                    }
                    return self.finish_line(id, text, reply);
                }
                Some(Err(error)) => (String::from("input"), Err(Fault::error(alloc::format!("{error}")))),
                Some(Ok(command)) => {
                    reply.end_block();
                    let mut x = Exchange {
                        module: self,
                        line: id,
                        args: Args::new(command.args),
                        command: None,
                        reply,
                    };
                    let answer = dispatch(&mut x, &command);
                    reply = x.reply;
                    (subject(&command), answer)
                }
            };
            position = commands.position();
            match answer {
                Ok(Outcome::Ok) => said = false,
                Ok(Outcome::Said) => said = true,
                other => return self.settle(id, text, position, name, other, reply),
            }
            if !self.running {
                return self.finish_line(id, text, reply);
            }
        }
    }

    /// Acts on an answer that may leave the command open.
    pub(super) fn settle(
        &mut self,
        id: LineId,
        text: Vec<u8>,
        position: usize,
        subject: String,
        answer: Answer,
        mut reply: Reply,
    ) {
        let (awaits, op) = match answer {
            Ok(Outcome::Ok) => return self.run_commands(id, text, position, false, reply),
            Ok(Outcome::Said) => return self.run_commands(id, text, position, true, reply),
            Err(fault) => {
                reply.set_format(self.line_mut(id).format);
                reply.final_code(fault.code);
                self.note(Some(id), &subject, fault.why);
                return self.finish_line(id, text, reply);
            }
            Ok(Outcome::Data(phase, op)) => {
                if phase.prompt {
                    reply.raw(self.setup.profile.prompt.as_bytes());
                }
                let reader = &mut self.line_mut(id).reader;
                let echo = phase.echo && reader.echo();
                reader.begin_data(phase.kind, echo);
                self.line_mut(id).data_gap = phase.timeout.filter(|_| phase.anew);
                if let Some(millis) = phase.timeout {
                    self.timers.arm(Timer::DataPhase(id), self.now + millis);
                }
                (Awaits::Data, op)
            }
            Ok(Outcome::Stream(op)) => {
                let line = self.line_mut(id);
                line.out = reply.into_bytes();
                line.reader.recycle(text);
                self.begin_stream(id, op, subject, true);
                return families::socket::in_data_mode(self);
            }
            Ok(Outcome::Store(request, op)) => (Awaits::Store(self.store(request)), op),
            Ok(Outcome::Query(question, op)) => (Awaits::Query(self.ask(question)), op),
            Ok(Outcome::Wait(op)) => (Awaits::Event, op),
        };
        let line = self.line_mut(id);
        line.out = reply.into_bytes();
        line.state = LineState::Open(OpenCommand { op, text, position, awaits, subject });
    }

    /// The line turns from commands to a stream, until its family resumes `op`. `after_command`: a command began it.
    pub(crate) fn begin_stream(&mut self, id: LineId, op: Op, subject: String, after_command: bool) {
        let line = self.line_mut(id);
        line.reader.begin_stream(after_command);
        let (text, position, awaits) = (Vec::new(), 0, Awaits::Stream);
        line.state = LineState::Open(OpenCommand { op, text, position, awaits, subject });
    }

    pub(super) fn finish_line(&mut self, id: LineId, text: Vec<u8>, reply: Reply) {
        let line = self.line_mut(id);
        line.out = reply.into_bytes();
        line.state = LineState::Idle;
        line.reader.recycle(text);
        // What the line set about itself holds from behind its result code on, before anything else is read.
        self.tell_settings(id);
    }
}

fn dispatch(x: &mut Exchange<'_>, typed: &at::Command<'_>) -> Answer {
    let Some(command) = families::find(typed) else {
        return Err(Fault::error("there is no such command"));
    };
    x.command = Some(command);
    let handler = match typed.form {
        Form::Execute => command.execute,
        Form::Read => command.read,
        Form::Set => command.set,
        Form::Test => match command.test {
            Test::None => None,
            Test::Ok => return Ok(Outcome::Ok),
            Test::Text(text) => {
                x.info(format_args!("{text}"));
                return Ok(Outcome::Ok);
            }
            Test::Handler(handler) => Some(handler),
        },
    };
    let Some(handler) = handler else {
        return Err(Fault::error("the command does not have this form"));
    };
    families::sim::check_card(x, command)?;
    handler(x)
}
