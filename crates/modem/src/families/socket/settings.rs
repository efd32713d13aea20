//! What is set about all links, and CIPMUX, CIPMODE, CIPQSEND.

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::packet::{self, Bearer};
use crate::io::KeepAlive;
use super::transparent::Packing;

/// What the AT+CIP… settings say. AT&F and a restart bring the defaults back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketSettings {
    /// CIPMUX.
    pub(crate) multi: bool,
    /// CIPMODE.
    pub(crate) transparent: bool,
    /// CIPCCFG.
    pub(crate) packing: Packing,
    /// CIPQSEND.
    pub(crate) quick_send: u8,
    /// CIPHEAD.
    pub(crate) header: bool,
    /// CIPSHOWTP: the protocol in the header.
    pub(crate) show_transport: bool,
    /// CIPSRIP: the peer's address in front of what it sends.
    pub(crate) show_peer: bool,
    /// CIPRXF 0: CR LF behind each packet received in single mode.
    pub(crate) receive_crlf: bool,
    /// CIPATS: send what was typed when the time is over.
    pub(crate) auto_send: bool,
    /// CIPATS: that time in seconds; 0 before it was first set.
    pub(crate) auto_send_after: u8,
    /// CIPSPRT.
    pub(crate) prompt: u8,
    /// CIPRXGET: 0 push, 1 and 5 pull.
    pub(crate) pull: u8,
    /// CIPTKA.
    pub(crate) keeps_alive: bool,
    /// CIPTKA's times.
    pub(crate) keep_alive: KeepAlive,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            multi: false,
            transparent: false,
            packing: Packing::default(),
            quick_send: 0,
            header: false,
            show_transport: false,
            show_peer: false,
            receive_crlf: true,
            auto_send: false,
            auto_send_after: 0,
            prompt: 1,
            pull: 0,
            keeps_alive: false,
            keep_alive: KeepAlive { idle: 7200, interval: 75, count: 9 },
        }
    }
}

pub(super) const CIPMUX: Command = Command {
    syntax: &["AT+CIPMUX=<0-1>   0 single link (default), 1 several", "AT+CIPMUX?", "AT+CIPMUX=?"],
    reference: "manual AT+CIPMUX",
    evidence: Evidence::Documented,
    remarks: "Outside IP INITIAL +CME ERROR: 3; a link left CLOSED counts until AT+CIPSHUT. A change ends pull mode \
              (AT+CIPRXGET).",
    read: Some(|x| said(x, "+CIPMUX: ", u8::from(x.module.families.socket.settings.multi))),
    set: Some(set_multi),
    test: Test::Text("+CIPMUX: (0,1)"),
    examples: &[
        example("AT+CIPMUX=1", "\r\nOK\r\n"),
        example("AT+CIPMUX?", "\r\n+CIPMUX: 0\r\n\r\nOK\r\n"),
        example("AT+CIPMUX=?", "\r\n+CIPMUX: (0,1)\r\n\r\nOK\r\n"),
        example("AT+CIPMUX=2", "\r\nERROR\r\n"),
        example_after(&["AT+CSTT"], "AT+CIPMUX=1", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CIPMUX", "One link or several")
};

pub(super) const CIPMODE: Command = Command {
    syntax: &["AT+CIPMODE=<0-1>   0 commands (default), 1 transparent", "AT+CIPMODE?", "AT+CIPMODE=?"],
    reference: "manual AT+CIPMODE",
    evidence: Evidence::Documented,
    remarks: "Outside IP INITIAL, and 1 with AT+CIPMUX=1: +CME ERROR: 3. With 1, AT+CIPSTART ends in CONNECT and the line is the \
              peer's, TCP, UDP and TLS alike: nothing is echoed, nothing added. +++ leads back to commands (1 s of silence \
              before, 0.5 s for the three, 0.5 s of silence behind; anything else is data), and the silence before counts \
              from CONNECT at the earliest (assumed). Data end with CLOSED, TCP ERROR:<n> alone, or +PDP: DEACT; AT+CIPSHUT \
              on another line ends them with CLOSED (assumed). Unsolicited lines wait behind the data.",
    read: Some(|x| said(x, "+CIPMODE: ", u8::from(x.module.families.socket.settings.transparent))),
    set: Some(set_mode),
    test: Test::Text("+CIPMODE: (0-NORMAL MODE,1-TRANSPARENT MODE)"),
    examples: &[
        example("AT+CIPMODE=0", "\r\nOK\r\n"),
        example("AT+CIPMODE=1", "\r\nOK\r\n"),
        example("AT+CIPMODE=2", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPMODE=1", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CIPMODE=1"], "AT+CIPMUX=1", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CIPMODE?", "\r\n+CIPMODE: 0\r\n\r\nOK\r\n"),
        example("AT+CIPMODE=?", "\r\n+CIPMODE: (0-NORMAL MODE,1-TRANSPARENT MODE)\r\n\r\nOK\r\n"),
        example_after(&["AT+CSTT"], "AT+CIPMODE=0", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CIPMODE", "Command mode or transparent mode")
};

pub(super) const CIPQSEND: Command = Command {
    syntax: &[
        "AT+CIPQSEND=<0-2>   0 SEND OK (default), 1 DATA ACCEPT, 2 SEND OK after the peer's ACK",
        "AT+CIPQSEND?",
        "AT+CIPQSEND=?",
    ],
    reference: "manual AT+CIPQSEND; SSL guide 3.1",
    evidence: Evidence::Documented,
    remarks: "Outside IP INITIAL +CME ERROR: 3. UDP has no ACK: 2 is as good as 0 there (assumed).",
    read: Some(|x| said(x, "+CIPQSEND: ", x.module.families.socket.settings.quick_send)),
    set: Some(set_quick_send),
    test: Test::Text("+CIPQSEND: (0,1,2)"),
    examples: &[
        example("AT+CIPQSEND=1", "\r\nOK\r\n"),
        example("AT+CIPQSEND?", "\r\n+CIPQSEND: 0\r\n\r\nOK\r\n"),
        example("AT+CIPQSEND=?", "\r\n+CIPQSEND: (0,1,2)\r\n\r\nOK\r\n"),
        example("AT+CIPQSEND=3", "\r\nERROR\r\n"),
        example_after(&["AT+CSTT"], "AT+CIPQSEND=1", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CIPQSEND", "When a send counts as done")
};

pub(super) fn said(x: &mut Exchange<'_>, prefix: &str, value: u8) -> Answer {
    x.info(format_args!("{prefix}{value}"));
    Ok(Outcome::Ok)
}

fn only_initial(x: &Exchange<'_>) -> Result<(), Fault> {
    if packet::bearer(x.module) == Bearer::Initial {
        return Ok(());
    }
    Err(Fault::not_allowed("this works in IP INITIAL only; AT+CIPSHUT leads there"))
}

fn set_multi(x: &mut Exchange<'_>) -> Answer {
    let multi = x.args.flag()?;
    x.args.finish()?;
    only_initial(x)?;
    if multi && x.module.families.socket.settings.transparent {
        return Err(Fault::not_allowed("transparent mode has one link; AT+CIPMODE=0 comes first"));
    }
    if core::mem::replace(&mut x.module.families.socket.settings.multi, multi) != multi {
        // Pull mode belongs to the kind of link.
        super::pull::change(x.module, 0);
    }
    Ok(Outcome::Ok)
}

fn set_mode(x: &mut Exchange<'_>) -> Answer {
    let transparent = x.args.flag()?;
    x.args.finish()?;
    only_initial(x)?;
    if transparent && x.module.families.socket.settings.multi {
        return Err(Fault::not_allowed("transparent mode has one link; AT+CIPMUX=0 comes first"));
    }
    x.module.families.socket.settings.transparent = transparent;
    Ok(Outcome::Ok)
}

fn set_quick_send(x: &mut Exchange<'_>) -> Answer {
    let value = x.args.small(0..=2)?;
    x.args.finish()?;
    only_initial(x)?;
    x.module.families.socket.settings.quick_send = value;
    Ok(Outcome::Ok)
}
