//! CIPTKA, CLPORT: what the next connects ask the network stack for. CIPSERVER, which this module cannot be.

use alloc::format;
use alloc::string::String;

use super::link::{get, get_mut};
use super::{SocketSettings, multi};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::io::{KeepAlive, Transport};
use crate::module::Module;

pub(super) const CIPTKA: Command = Command {
    syntax: &[
        "AT+CIPTKA=<0-1>[,<idle 30-7200 s>[,<interval 30-600 s>[,<count 1-9>]]]   default 0,7200,75,9",
        "AT+CIPTKA?",
        "AT+CIPTKA=?",
    ],
    reference: "manual AT+CIPTKA",
    evidence: Evidence::Documented,
    remarks: "Holds for TCP links that are opened afterwards (assumed). What is left out stays as it was (assumed). That it is off \
              at first is assumed.",
    read: Some(read_keep_alive),
    set: Some(set_keep_alive),
    test: Test::Text("+CIPTKA: (0,1),(30-7200),(30-600),(1-9)"),
    examples: &[
        example("AT+CIPTKA=1,60,30,3", "\r\nOK\r\n"),
        example("AT+CIPTKA?", "\r\n+CIPTKA:0,7200,75,9\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPTKA=1,60"], "AT+CIPTKA?", "\r\n+CIPTKA:1,60,75,9\r\n\r\nOK\r\n"),
        example("AT+CIPTKA=?", "\r\n+CIPTKA: (0,1),(30-7200),(30-600),(1-9)\r\n\r\nOK\r\n"),
        example("AT+CIPTKA=1,29", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPTKA", "TCP keep-alive")
};

pub(super) const CLPORT: Command = Command {
    syntax: &[
        "AT+CLPORT=<TCP|UDP>,<port 0-65535>          single mode; 0 any port (default)",
        "AT+CLPORT=<link>,<TCP|UDP>,<port 0-65535>   multi mode",
        "AT+CLPORT?",
        "AT+CLPORT=?",
    ],
    reference: "manual AT+CLPORT",
    evidence: Evidence::Documented,
    remarks: "Holds from the next AT+CIPSTART on and over AT+CIPSHUT (assumed). Single mode's ports are those of link 0 \
              (assumed). The query shows as many lines as there are links (assumed). When the port cannot be had, the connect \
              fails: CONNECT FAIL.",
    read: Some(read_ports),
    set: Some(set_port),
    test: Test::Handler(test_ports),
    examples: &[
        example("AT+CLPORT=\"TCP\",5000", "\r\nOK\r\n"),
        example_after(&["AT+CLPORT=UDP,5000"], "AT+CLPORT?", "\r\n+CLPORT: 0,5000\r\n\r\nOK\r\n"),
        example("AT+CLPORT=?", "\r\n+CLPORT: (\"TCP\",\"UDP\"),(0-65535)\r\n\r\nOK\r\n"),
        example_after(
            &["AT+CIPMUX=1"],
            "AT+CLPORT=?",
            "\r\n+CLPORT: (0-7),(\"TCP\",\"UDP\"),(0-65535)\r\n\r\nOK\r\n",
        ),
        example("AT+CLPORT=\"TCP\",65536", "\r\nERROR\r\n"),
        example("AT+CLPORT=0,\"TCP\",5000", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CLPORT=\"TCP\",5000", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CLPORT", "Local port")
};

pub(super) const CIPSERVER: Command = Command {
    syntax: &["AT+CIPSERVER=<0-1>[,<port 1-65535>]", "AT+CIPSERVER?", "AT+CIPSERVER=?"],
    reference: "vendor's questions and answers: the module is a client only",
    evidence: Evidence::Documented,
    remarks: "Always ERROR. The query and the test form answer as in an older family (assumed).",
    read: Some(no_server),
    set: Some(|_| {
        Err(Fault::error(
            "the module cannot be a server: networks do not let anybody in; connect from here with AT+CIPSTART",
        ))
    }),
    test: Test::Text("+CIPSERVER: (0-CLOSE SERVER,1-OPEN SERVER),(1-65535)"),
    examples: &[
        example("AT+CIPSERVER=1,8080", "\r\nERROR\r\n"),
        example("AT+CIPSERVER=0", "\r\nERROR\r\n"),
        example("AT+CIPSERVER?", "\r\n+CIPSERVER: 0\r\n\r\nOK\r\n"),
        example(
            "AT+CIPSERVER=?",
            "\r\n+CIPSERVER: (0-CLOSE SERVER,1-OPEN SERVER),(1-65535)\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CIPSERVER", "Be a server (refused)")
};

/// CLPORT of one link; 0: any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalPorts {
    tcp: u16,
    udp: u16,
}

impl LocalPorts {
    pub(super) const NONE: Self = Self { tcp: 0, udp: 0 };

    fn of(self, transport: Transport) -> u16 {
        match transport {
            Transport::Tcp => self.tcp,
            Transport::Udp => self.udp,
        }
    }
}

/// The local port that a link is to come from, if it is to come from a certain one. `Err`: another link has it.
pub(super) fn local_port(module: &Module, number: u8, transport: Transport) -> Result<Option<u16>, u16> {
    let Some(port) = get(module, number).map(|link| link.ports.of(transport)).filter(|port| *port != 0) else {
        return Ok(None);
    };
    let taken = (0..module.setup.profile.links).filter(|other| *other != number).any(|other| {
        get(module, other).is_some_and(|link| link.transport == transport && link.local_port == Some(port))
    });
    if taken { Err(port) } else { Ok(Some(port)) }
}

/// The keep-alive that a connection asks for.
pub(crate) fn keep_alive(module: &Module, transport: Transport) -> Option<KeepAlive> {
    let SocketSettings { keeps_alive, keep_alive, .. } = module.families.socket.settings;
    (keeps_alive && transport == Transport::Tcp).then_some(keep_alive)
}

fn read_keep_alive(x: &mut Exchange<'_>) -> Answer {
    let SocketSettings { keeps_alive, keep_alive, .. } = x.module.families.socket.settings;
    let KeepAlive { idle, interval, count } = keep_alive;
    x.info(format_args!("+CIPTKA:{},{idle},{interval},{count}", u8::from(keeps_alive)));
    Ok(Outcome::Ok)
}

fn set_keep_alive(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    let idle = x.args.opt_number(30..=7200)?;
    let interval = x.args.opt_number(30..=600)?;
    let count = x.args.opt_number(1..=9)?;
    x.args.finish()?;
    let settings = &mut x.module.families.socket.settings;
    let old = settings.keep_alive;
    settings.keeps_alive = on;
    settings.keep_alive = KeepAlive {
        idle: idle.unwrap_or(old.idle),
        interval: interval.unwrap_or(old.interval),
        count: count.unwrap_or(old.count),
    };
    Ok(Outcome::Ok)
}

fn read_ports(x: &mut Exchange<'_>) -> Answer {
    let several = multi(x.module);
    let last = if several { x.profile().links.saturating_sub(1) } else { 0 };
    for number in 0..=last {
        let LocalPorts { tcp, udp } = get(x.module, number).map_or(LocalPorts::NONE, |link| link.ports);
        if several {
            x.info(format_args!("+CLPORT: {number},{tcp},{udp}"));
        } else {
            x.info(format_args!("+CLPORT: {tcp},{udp}"));
        }
    }
    Ok(Outcome::Ok)
}

fn set_port(x: &mut Exchange<'_>) -> Answer {
    let number = if multi(x.module) { x.args.small(0..=x.profile().links.saturating_sub(1))? } else { 0 };
    let transport = match x.args.text(8)? {
        text if text.eq_ignore_ascii_case("TCP") => Transport::Tcp,
        text if text.eq_ignore_ascii_case("UDP") => Transport::Udp,
        _ => return Err(Fault::error("the mode is TCP or UDP")),
    };
    let port = u16::try_from(x.args.number(0..=65535)?).unwrap_or_default();
    x.args.finish()?;
    if let Some(link) = get_mut(x.module, number) {
        match transport {
            Transport::Tcp => link.ports.tcp = port,
            Transport::Udp => link.ports.udp = port,
        }
    }
    Ok(Outcome::Ok)
}

fn test_ports(x: &mut Exchange<'_>) -> Answer {
    let last = x.profile().links.saturating_sub(1);
    let links = if multi(x.module) { format!("(0-{last}),") } else { String::new() };
    x.info(format_args!("+CLPORT: {links}(\"TCP\",\"UDP\"),(0-65535)"));
    Ok(Outcome::Ok)
}

fn no_server(x: &mut Exchange<'_>) -> Answer {
    x.info(format_args!("+CIPSERVER: 0"));
    Ok(Outcome::Ok)
}
