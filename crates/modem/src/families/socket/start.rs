//! CIPSTART: a connect, from the command to its end.

use alloc::format;
use alloc::string::String;

use super::link::{Link, LinkState, Tag, get, get_mut, state_text, tell};
use super::{multi, options};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::packet::{self, Bearer};
use crate::families::{mqtt, names, ssl};
use crate::io::Transport;
use crate::module::{Module, Opening, Session, peer};

pub(super) const CIPSTART: Command = Command {
    syntax: &[
        "AT+CIPSTART=<TCP|UDP>,<host>,<port>          single mode",
        "AT+CIPSTART=<link>,<TCP|UDP>,<host>,<port>   multi mode",
        "AT+CIPSTART=?",
    ],
    reference: "manual AT+CIPSTART",
    evidence: Evidence::Documented,
    remarks: "OK first, the result as a line of its own later. Single mode may start from IP INITIAL: the bearer comes up \
              without a word. All parameters may be quoted or bare. ALREADY CONNECT is the whole answer (assumed). The \
              test form's punctuation is that of an older family (assumed).",
    longest: 75_000,
    needs_card: true,
    set: Some(start),
    test: Test::Handler(test),
    examples: &[
        example(
            "AT+CIPSTART=?",
            "\r\n+CIPSTART: (\"TCP\",\"UDP\"),(\"(0-255).(0-255).(0-255).(0-255)\"),(\"1-65535\")\r\n\
             +CIPSTART: (\"TCP\",\"UDP\"),(\"DOMAIN NAME\"),(\"1-65535\")\r\n\r\nOK\r\n",
        ),
        example("AT+CIPSTART=0,\"TCP\",\"192.0.2.1\",80", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CIPSTART=\"SCTP\",\"192.0.2.1\",80", "\r\nERROR\r\n"),
        example("AT+CIPSTART=\"TCP\",\"192.0.2.1\",0", "\r\nERROR\r\n"),
        example_after(&["AT+CSTT"], "AT+CIPSTART=TCP,192.0.2.1,80", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPSTART=0,TCP,192.0.2.1,80", "\r\n+CME ERROR: 3\r\n"),
        example_after(
            &["AT+CIPMUX=1", "AT+CSTT", "AT+CIICR", "AT+CIFSR"],
            "AT+CIPSTART=8,TCP,192.0.2.1,80",
            "\r\nERROR\r\n",
        ),
    ],
    ..Command::new("+CIPSTART", "Open a link")
};

fn test(x: &mut Exchange<'_>) -> Answer {
    let last = x.profile().links.saturating_sub(1);
    let links = if multi(x.module) { format!("(0-{last}),") } else { String::new() };
    for peer in ["\"(0-255).(0-255).(0-255).(0-255)\"", "\"DOMAIN NAME\""] {
        x.info(format_args!("+CIPSTART: {links}(\"TCP\",\"UDP\"),({peer}),(\"1-65535\")"));
    }
    Ok(Outcome::Ok)
}

fn start(x: &mut Exchange<'_>) -> Answer {
    let several = multi(x.module);
    match (several, x.args.left()) {
        (false, 4) => {
            return Err(Fault::not_allowed("a link number is for AT+CIPMUX=1; this is single mode"));
        }
        (true, 3) => return Err(Fault::not_allowed("in multi mode the link number comes first")),
        _ => {}
    }
    let number = if several { x.args.small(0..=x.profile().links.saturating_sub(1))? } else { 0 };
    let transport = match x.args.text(8)? {
        text if text.eq_ignore_ascii_case("TCP") => Transport::Tcp,
        text if text.eq_ignore_ascii_case("UDP") => Transport::Udp,
        _ => return Err(Fault::error("the mode is TCP or UDP")),
    };
    let (host, port) = peer(x)?;

    match get(x.module, number).map(|link| link.state) {
        Some(LinkState::Connected) => {
            let tag = x.module.families.socket.tag(number);
            x.info(format_args!("{tag}ALREADY CONNECT"));
            return Ok(Outcome::Said);
        }
        Some(LinkState::Connecting | LinkState::Closing) => {
            return Err(Fault::not_allowed("the link is still connecting or closing"));
        }
        _ => {}
    }
    if mqtt::holds(x.module, number) {
        return Err(Fault::not_allowed("the MQTT session has this link number (AT+MIPCLOSE ends it)"));
    }
    let cold = match (packet::bearer(x.module), several) {
        (Bearer::Status, _) => false,
        (Bearer::Initial, false) => true,
        (Bearer::Deactivated, _) => {
            let why = x.module.with_cause("the bearer is lost (PDP DEACT); AT+CIPSHUT before the next start");
            return Err(Fault::not_allowed(why));
        }
        _ => return Err(Fault::not_allowed("AT+CSTT, AT+CIICR and AT+CIFSR come before AT+CIPSTART")),
    };
    x.module.check_connections()?;
    let line = x.line;
    if let Some(link) = get_mut(x.module, number) {
        let ports = link.ports;
        *link = Link { state: LinkState::Connecting, line, transport, host, port, ports, ..Link::INITIAL };
    }
    x.module.families.socket.processing = several;
    if cold {
        packet::cold_start(x.module);
    } else {
        connect(x.module, number);
    }
    Ok(Outcome::Ok)
}

/// Asks for the connection of a link that is `CONNECTING`.
pub(super) fn connect(module: &mut Module, number: u8) {
    let Some(link) = get(module, number) else { return };
    let (transport, host, port, line) = (link.transport, link.host.clone(), link.port, link.line);
    let local_port = match options::local_port(module, number, transport) {
        Ok(port) => port,
        Err(port) => {
            let text = format!("the local port {port} (AT+CLPORT) is another link's: give each its own, or 0");
            module.note(Some(line), &format!("link {number}"), text);
            return failed(module, number);
        }
    };
    let context = (transport == Transport::Tcp && ssl::enabled(module)).then_some(number);
    let name_servers = names::servers(module);
    let (bearer, session) = (None, Session::Own);
    let opening = Opening {
        transport,
        host,
        port,
        context,
        bearer,
        name_servers,
        local_port,
        session,
        link: number,
    };
    let Ok(conn) = module.open(opening) else {
        let text = "TLS is on (AT+CIPSSL=1), but this link number has no SSL context: use links 0 to 5";
        module.note(Some(line), &format!("link {number}"), text);
        return failed(module, number);
    };
    if let Some(link) = get_mut(module, number) {
        link.conn = Some(conn);
        link.local_port = local_port;
    }
}

/// The connect came to nothing.
pub(super) fn failed(module: &mut Module, number: u8) {
    let state = if multi(module) { LinkState::Closed } else { LinkState::Initial };
    if let Some(link) = get_mut(module, number) {
        link.drop_conn(state);
    }
    tell_failure(module, number);
}

/// Says so: in single mode with the state that follows.
pub(super) fn tell_failure(module: &mut Module, number: u8) {
    if let Tag(None) = module.families.socket.tag(number) {
        let state = state_text(module);
        tell(module, number, format_args!("STATE: {state}"));
    }
    tell(module, number, format_args!("CONNECT FAIL"));
}
