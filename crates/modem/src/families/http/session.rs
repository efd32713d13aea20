//! HTTPINIT, HTTPTERM, HTTPSSL.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{Buffer, Session, end_session, kept, session};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

pub(super) const HTTPINIT: Command = Command {
    syntax: &["AT+HTTPINIT", "AT+HTTPINIT=?"],
    reference: "manual AT+HTTPINIT",
    evidence: Evidence::Documented,
    remarks: "Needs no bearer yet (assumed). In a session: +CME ERROR: 3. The parameters are those that AT+HTTPSCONT has kept, else the defaults.",
    execute: Some(begin),
    examples: &[
        example("AT+HTTPINIT", "\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPINIT", "\r\n+CME ERROR: 3\r\n"),
        example("AT+HTTPINIT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPINIT", "Begin an HTTP session")
};

pub(super) const HTTPTERM: Command = Command {
    syntax: &["AT+HTTPTERM", "AT+HTTPTERM=?"],
    reference: "manual AT+HTTPTERM",
    evidence: Evidence::Documented,
    remarks: "Without a session +CME ERROR: 3, which hosts ignore. A request under way is given up without +HTTPACTION: (assumed). \
              Parameters, body and head are forgotten.",
    execute: Some(end),
    examples: &[
        example_after(&["AT+HTTPINIT"], "AT+HTTPTERM", "\r\nOK\r\n"),
        example("AT+HTTPTERM", "\r\n+CME ERROR: 3\r\n"),
        example("AT+HTTPTERM=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPTERM", "End the HTTP session")
};

pub(super) const HTTPSSL: Command = Command {
    syntax: &["AT+HTTPSSL=<0-1>   default 0", "AT+HTTPSSL?", "AT+HTTPSSL=?"],
    reference: "manual AT+HTTPSSL; captures of HTTPS without it",
    evidence: Evidence::Documented,
    remarks: "Sources differ on whether it comes before or after AT+HTTPINIT: both are OK. The URL's scheme decides about TLS; this \
              decides where the URL has none (assumed). Outlives AT+HTTPTERM; not stored; AT&F makes it 0 (assumed). TLS has SSL \
              context 153 as it is when the connection is opened.",
    read: Some(read_tls),
    set: Some(set_tls),
    test: Test::Handler(test_tls),
    examples: &[
        example("AT+HTTPSSL=1", "\r\nOK\r\n"),
        example("AT+HTTPSSL?", "\r\n+HTTPSSL: 0\r\n\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT", "AT+HTTPSSL=1"], "AT+HTTPSSL?", "\r\n+HTTPSSL: 1\r\n\r\nOK\r\n"),
        example("AT+HTTPSSL=2", "\r\nERROR\r\n"),
        example("AT+HTTPSSL=?", "\r\n+HTTPSSL: (0-1)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPSSL", "TLS for HTTP")
};

fn begin(x: &mut Exchange<'_>) -> Answer {
    let parameters = kept::parameters(x.module);
    let http = &mut x.module.families.http;
    if http.session.is_some() {
        return Err(Fault::not_allowed("there is an HTTP session already; AT+HTTPTERM ends it"));
    }
    http.sessions = http.sessions.wrapping_add(1);
    http.session = Some(Box::new(Session {
        number: http.sessions,
        parameters,
        buffer: Buffer::default(),
        head: Vec::new(),
        link: None,
        action: None,
        download: None,
    }));
    Ok(Outcome::Ok)
}

fn end(x: &mut Exchange<'_>) -> Answer {
    let busy = session(x.module)?.action.is_some();
    end_session(x.module, busy);
    Ok(Outcome::Ok)
}

/// A firmware without SSL does not have the command.
fn available(x: &Exchange<'_>) -> Result<(), Fault> {
    if x.profile().ssl { Ok(()) } else { Err(Fault::error("this firmware variant has no SSL function (AT+CGMR shows which it is)")) }
}

fn read_tls(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    let on = u8::from(x.module.families.http.tls);
    x.info(format_args!("+HTTPSSL: {on}"));
    Ok(Outcome::Ok)
}

fn set_tls(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.http.tls = on;
    Ok(Outcome::Ok)
}

fn test_tls(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    x.info(format_args!("+HTTPSSL: (0-1)"));
    Ok(Outcome::Ok)
}
