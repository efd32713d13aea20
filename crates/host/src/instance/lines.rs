//! The instance's serial lines.

use super::*;
use crate::line::LineEvent;

/// How many bytes are read from a line before it is another's turn: a terminal gives them in small portions, which are to leave
/// as one.
const LINE_TURN: usize = 32 << 10;

/// Whether a line has nothing more to tell.
enum Emptied {
    /// There may be more.
    No,
    /// What it had to tell has been told.
    Now,
    /// It had nothing to tell.
    Before,
}

impl Instance {
    /// Whether the lines have to be looked at again: one has not been emptied, or one has had something to say that may have
    /// led to something on another.
    pub(super) fn poll_lines(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> bool {
        let mut again = false;
        for index in 0..self.lines.len() {
            let Ok(number) = u8::try_from(index) else { break };
            match self.poll_line(cx, buffer, LineId(number)) {
                Emptied::No => again = true,
                Emptied::Now => again |= self.lines.len() > 1,
                Emptied::Before => {}
            }
        }
        again
    }

    fn poll_line(&mut self, cx: &mut Context<'_>, buffer: &mut [u8], line: LineId) -> Emptied {
        let mut emptied = Emptied::Before;
        let mut read = 0;
        while read < LINE_TURN {
            let room = self.modem.line_room(line).min(buffer.len());
            let Some(polled) = self.lines.get_mut(usize::from(line.0)) else { return emptied };
            let Poll::Ready(event) = polled.poll(cx, &mut buffer[..room]) else { return emptied };
            emptied = Emptied::Now;
            match event {
                // Once more, to read: the room that this has made would be taken up by the links' data again and again,
                // and no command would ever be read.
                LineEvent::Written(bytes) => self.handle_input(Input::Written { line, bytes }),
                LineEvent::Received(count) => {
                    self.handle_input(Input::Line { line, bytes: &buffer[..count] });
                    read += count;
                }
                LineEvent::Dtr(on) => self.handle_input(Input::Dtr { line, on }),
                LineEvent::Ended => {
                    self.open_lines = self.open_lines.saturating_sub(1);
                    return Emptied::No;
                }
                // The other lines, too: on this one, nobody could end them any more.
                LineEvent::Quit => {
                    self.open_lines = 0;
                    self.patience = 0;
                    return Emptied::No;
                }
            }
        }
        Emptied::No
    }
}
