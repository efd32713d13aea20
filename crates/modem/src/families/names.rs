//! Names and echoes: CDNSCFG, CDNSGIP, CIPPING.
//!
//! Reference: the module's manual, chapter "TCP/IP commands".

mod lookup;
mod ping;
mod servers;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use crate::command::{Answer, Command, Fault, Resume};
use crate::exchange::Exchange;
use crate::families::packet;
use crate::families::{Family, Never, Op};
use crate::io::{QueryFailure, QueryId, QueryReply};
use crate::module::Module;
use crate::setup::Setup;

pub(crate) use servers::{application_servers, servers};

/// The family's state.
#[derive(Debug)]
pub(crate) struct Names {
    /// CDNSCFG without a bearer's number, and for bearers 1 to 3. 0.0.0.0 stands for none.
    servers: [[Ipv4Addr; 2]; 4],
    /// CDNSGIP: what has been asked for and not answered.
    lookups: Vec<lookup::Lookup>,
    /// CIPPING: what was said last.
    ping: ping::Settings,
}

/// What an open command of this family is in the middle of.
#[derive(Debug)]
pub(crate) enum NamesOp {
    /// CIPPING: until the answer to its question is there.
    Ping(ping::Ping),
}

impl Family for Names {
    type Op = NamesOp;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[servers::CDNSCFG, lookup::CDNSGIP, ping::CIPPING];

    fn new(_setup: &Setup) -> Self {
        Self { servers: [[Ipv4Addr::UNSPECIFIED; 2]; 4], lookups: Vec::new(), ping: ping::Settings::DEFAULT }
    }

    fn resume(x: &mut Exchange<'_>, NamesOp::Ping(ping): NamesOp, event: Resume) -> Answer {
        match event {
            Resume::Query(result) => ping::answered(x, ping, result),
            _ => ping::given_up(x.module),
        }
    }

    fn answered(module: &mut Module, query: QueryId, result: Result<QueryReply, QueryFailure>) {
        lookup::answered(module, query, result);
        let pings = |op: &Op| matches!(op, Op::names(NamesOp::Ping(ping)) if ping.waits_for(query));
        if let Some(line) = module.waiting(pings) {
            module.resume(line, Resume::Query(result));
        }
    }

    fn factory(module: &mut Module) {
        let names = &mut module.families.names;
        names.servers = [[Ipv4Addr::UNSPECIFIED; 2]; 4];
        names.ping = ping::Settings::DEFAULT;
    }
}

/// The TCP/IP bearer is gone: nothing that was asked over it is answered.
pub(crate) fn bearer_lost(module: &mut Module) {
    lookup::bearer_lost(module);
    while let Some(line) = module.waiting(|op| matches!(op, Op::names(NamesOp::Ping(_)))) {
        module.resume(line, Resume::Event);
    }
}

/// The TCP/IP bearer has to be up.
fn needs_bearer(module: &Module) -> Result<(), Fault> {
    if packet::is_up(module) {
        return Ok(());
    }
    let why = module.with_cause("the bearer is not up; AT+CSTT, AT+CIICR and AT+CIFSR come before");
    Err(Fault::error(why))
}

/// A host as it is typed: a name, or an address in dots.
pub(crate) fn host(x: &mut Exchange<'_>) -> Result<String, Fault> {
    let host = x.args.text(x.profile().name_limits.host)?;
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Fault::error("the host is an IPv4 address or a name, without blanks"));
    }
    Ok(String::from(host))
}

/// An address as the module prints it.
fn shown(address: IpAddr) -> IpAddr {
    address.to_canonical()
}
