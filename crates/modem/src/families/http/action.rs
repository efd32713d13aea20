//! HTTPACTION: a request.

use super::client::{self, Task};
use super::session;
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

pub(super) const HTTPACTION: Command = Command {
    syntax: &["AT+HTTPACTION=<0 GET, 1 POST, 2 HEAD>", "AT+HTTPACTION=?"],
    reference: "manual AT+HTTPACTION",
    evidence: Evidence::Documented,
    remarks: "OK first, +HTTPACTION: <method>,<status>,<length> when it is done. What cannot begin is +CME ERROR: 3 (number assumed) and \
              +HTTPACTION: all the same, with 601 where the bearer of CID is not open, there is no URL or no free connection, 605 \
              where the firmware has no SSL, 604 while a request is under way (assumed); without AT+HTTPINIT +CME ERROR: 3 alone \
              (assumed). Own statuses: 408 silence for longer than TIMEOUT, 600 the reply is no HTTP, 601 no connection, or it ended \
              too early, 602 the body is longer than the buffer (the length is that of its beginning, which is kept), or the head is \
              too long, 603 no such name, 605 no TLS, 606 TLS broke afterwards; all but 602 with length 0 and without a body (which of \
              them when is assumed). A body that AT+HTTPDATA has taken is sent by POST only, and stays when there is no reply at all \
              (assumed). POST always has a new connection, GET and HEAD one that the server keeps, for up to 30 s (assumed). With \
              REDIR=1 up to five redirects are followed, never from https to http; other servers get no Authorization, Cookie or \
              unknown headers (all assumed); the last reply counts. ERROR:<n> lines, \
              which the manual lists without saying when they come, never come (assumed).",
    longest: 9_000,
    needs_card: true,
    set: Some(act),
    test: Test::Text("+HTTPACTION: (0-2)"),
    examples: &[
        example("AT+HTTPACTION=0", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPACTION=0", "\r\n+CME ERROR: 3\r\n\r\n+HTTPACTION: 0,601,0\r\n"),
        example_after(
            &["AT+HTTPINIT", "AT+SAPBR=1,1"],
            "AT+HTTPACTION=1",
            "\r\n+CME ERROR: 3\r\n\r\n+HTTPACTION: 1,601,0\r\n",
        ),
        example("AT+HTTPACTION=3", "\r\nERROR\r\n"),
        example("AT+HTTPACTION=?", "\r\n+HTTPACTION: (0-2)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPACTION", "Send an HTTP request")
};

fn act(x: &mut Exchange<'_>) -> Answer {
    let task = Task::Action(x.args.small(0..=2)?);
    x.args.finish()?;
    session(x.module)?;
    let line = x.line;
    match client::start(x.module, line, task) {
        Ok(()) => Ok(Outcome::Ok),
        Err(refused) => {
            client::tell(x.module, line, task, refused.status, 0);
            Err(Fault::not_allowed(refused.why))
        }
    }
}
