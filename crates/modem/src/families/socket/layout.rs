//! CIPHEAD, CIPSHOWTP, CIPSRIP, CIPRXF: what stands around received data.

use super::settings::said;
use crate::command::{Answer, Command, Evidence, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

pub(super) const CIPHEAD: Command = Command {
    syntax: &["AT+CIPHEAD=<0-1>   default 0", "AT+CIPHEAD?", "AT+CIPHEAD=?"],
    reference: "manual AT+CIPHEAD",
    evidence: Evidence::Documented,
    remarks: "Concerns single mode; multi mode always has its +RECEIVE header, and accepts the setting.",
    read: Some(|x| said(x, "+CIPHEAD: ", u8::from(x.module.families.socket.settings.header))),
    set: Some(set_header),
    test: Test::Text("+CIPHEAD: (0,1)"),
    examples: &[
        example("AT+CIPHEAD=1", "\r\nOK\r\n"),
        example_after(&["AT+CIPHEAD=1"], "AT+CIPHEAD?", "\r\n+CIPHEAD: 1\r\n\r\nOK\r\n"),
        example("AT+CIPHEAD=?", "\r\n+CIPHEAD: (0,1)\r\n\r\nOK\r\n"),
        example("AT+CIPHEAD=2", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPHEAD", "+IPD header in front of received data")
};

pub(super) const CIPSHOWTP: Command = Command {
    syntax: &["AT+CIPSHOWTP=<0-1>   default 0", "AT+CIPSHOWTP?", "AT+CIPSHOWTP=?"],
    reference: "manual AT+CIPSHOWTP",
    evidence: Evidence::Documented,
    remarks: "Shows only where AT+CIPHEAD=1 shows.",
    read: Some(|x| said(x, "+CIPSHOWTP: ", u8::from(x.module.families.socket.settings.show_transport))),
    set: Some(set_show_transport),
    test: Test::Text("+CIPSHOWTP: (0,1)"),
    examples: &[
        example("AT+CIPSHOWTP=1", "\r\nOK\r\n"),
        example("AT+CIPSHOWTP?", "\r\n+CIPSHOWTP: 0\r\n\r\nOK\r\n"),
        example("AT+CIPSHOWTP=?", "\r\n+CIPSHOWTP: (0,1)\r\n\r\nOK\r\n"),
        example("AT+CIPSHOWTP=2", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPSHOWTP", "Protocol in the +IPD header")
};

pub(super) const CIPSRIP: Command = Command {
    syntax: &["AT+CIPSRIP=<0-1>   default 0", "AT+CIPSRIP?", "AT+CIPSRIP=?"],
    reference: "manual AT+CIPSRIP; a modem driver (pull mode)",
    evidence: Evidence::Documented,
    remarks: "A line RECV FROM: <address>:<port> in front of each packet, in multi mode too (assumed); in pull mode the address \
              stands in the URC instead. The manual writes the line with and without the blank.",
    read: Some(|x| said(x, "+CIPSRIP: ", u8::from(x.module.families.socket.settings.show_peer))),
    set: Some(set_show_peer),
    test: Test::Text("+CIPSRIP: (0,1)"),
    examples: &[
        example("AT+CIPSRIP=1", "\r\nOK\r\n"),
        example("AT+CIPSRIP?", "\r\n+CIPSRIP: 0\r\n\r\nOK\r\n"),
        example("AT+CIPSRIP=?", "\r\n+CIPSRIP: (0,1)\r\n\r\nOK\r\n"),
        example("AT+CIPSRIP=x", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPSRIP", "The peer's address in front of received data")
};

pub(super) const CIPRXF: Command = Command {
    syntax: &[
        "AT+CIPRXF=<0-1>   0 CR LF behind each received packet (default), 1 nothing",
        "AT+CIPRXF?",
        "AT+CIPRXF=?",
    ],
    reference: "manual AT+CIPRXF",
    evidence: Evidence::Documented,
    remarks: "Concerns single mode with AT+CIPHEAD=0 only (multi mode: assumed); takes effect at once (assumed).",
    read: Some(|x| said(x, "+CIPRXF:", u8::from(!x.module.families.socket.settings.receive_crlf))),
    set: Some(set_receive_crlf),
    test: Test::Text("+CIPRXF: (0,1)"),
    examples: &[
        example("AT+CIPRXF=1", "\r\nOK\r\n"),
        example("AT+CIPRXF?", "\r\n+CIPRXF:0\r\n\r\nOK\r\n"),
        example("AT+CIPRXF=?", "\r\n+CIPRXF: (0,1)\r\n\r\nOK\r\n"),
        example("AT+CIPRXF=x", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPRXF", "CR LF behind received data")
};

fn set_header(x: &mut Exchange<'_>) -> Answer {
    let header = x.args.flag()?;
    x.args.finish()?;
    x.module.families.socket.settings.header = header;
    Ok(Outcome::Ok)
}

fn set_show_transport(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.socket.settings.show_transport = on;
    Ok(Outcome::Ok)
}

fn set_show_peer(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.socket.settings.show_peer = on;
    Ok(Outcome::Ok)
}

fn set_receive_crlf(x: &mut Exchange<'_>) -> Answer {
    let plain = x.args.flag()?;
    x.args.finish()?;
    x.module.families.socket.settings.receive_crlf = !plain;
    Ok(Outcome::Ok)
}
