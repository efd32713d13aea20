//! CIPPING: echoes.

use alloc::format;
use alloc::string::String;
use core::net::IpAddr;

use super::{NamesOp, host, needs_bearer, servers, shown};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{Query, QueryFailure, QueryId, QueryReply};
use crate::module::Module;

/// What is printed for an echo that nobody answers: time and time to live.
const SILENCE: (u64, u8) = (600, 255);

/// What CIPPING says besides the host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// How many echoes; 0: without end.
    count: u32,
    /// Payload bytes.
    length: u16,
    /// Tenths of a second.
    timeout: u32,
    ttl: u8,
}

impl Settings {
    pub(super) const DEFAULT: Self = Self { count: 4, length: 32, timeout: 100, ttl: 64 };
}

/// An open CIPPING.
#[derive(Debug)]
pub(crate) struct Ping {
    query: QueryId,
    settings: Settings,
    host: String,
    /// Once it is known.
    address: Option<IpAddr>,
    /// Echoes that have been answered, or given up.
    done: u32,
}

impl Ping {
    pub(super) fn waits_for(&self, query: QueryId) -> bool {
        self.query == query
    }
}

pub(super) const CIPPING: Command = Command {
    syntax: &[
        "AT+CIPPING=<host>[,<count 1-100>[,<length 0-1024>[,<timeout 1-600>[,<ttl 1-255>]]]]   defaults 4, 32, 100, 64",
        "AT+CIPPING?",
        "AT+CIPPING=?",
    ],
    reference: "manual AT+CIPPING",
    evidence: Evidence::Documented,
    remarks: "The timeout is in tenths of a second; its default of 100 is assumed. One line for each echo: number, address, \
              milliseconds, time to live; an echo without an answer prints 600 and 255. The next echo leaves when the one \
              before is answered or given up; what is left out is as it was said last, and the query shows that; a name \
              that does not resolve, the loss of the bearer, and a computer that lets nobody send echoes end in ERROR (all \
              assumed). Count 0, without end, is for siblings: ERROR here.",
    longest: 6_100_000,
    needs_card: true,
    read: Some(read),
    set: Some(ping),
    test: Test::Text("+CIPPING: (1-100),(0-1024),(1-600),(1-255)"),
    examples: &[
        example("AT+CIPPING=\"192.0.2.7\"", "\r\nERROR\r\n"),
        example("AT+CIPPING?", "\r\n+CIPPING: 4,32,100,64\r\n\r\nOK\r\n"),
        example_after(
            &["AT+CSTT", "AT+CIICR", "AT+CIFSR"],
            "AT+CIPPING=\"192.0.2.7\",2,64,5,32",
            "\r\n+CIPPING: 1,\"192.0.2.7\",600,255\r\n+CIPPING: 2,\"192.0.2.7\",600,255\r\n\r\nOK\r\n",
        ),
        example_after(&["AT+CSTT", "AT+CIICR", "AT+CIFSR"], "AT+CIPPING=192.0.2.7,0", "\r\nERROR\r\n"),
        example_after(&["AT+CSTT", "AT+CIICR", "AT+CIFSR"], "AT+CIPPING=192.0.2.7,101", "\r\nERROR\r\n"),
        example("AT+CIPPING=?", "\r\n+CIPPING: (1-100),(0-1024),(1-600),(1-255)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CIPPING", "Send echoes")
};

fn read(x: &mut Exchange<'_>) -> Answer {
    let Settings { count, length, timeout, ttl } = x.module.families.names.ping;
    x.info(format_args!("+CIPPING: {count},{length},{timeout},{ttl}"));
    Ok(Outcome::Ok)
}

fn ping(x: &mut Exchange<'_>) -> Answer {
    let last = x.module.families.names.ping;
    let host = host(x)?;
    let least = u32::from(!x.profile().endless_ping);
    let count = x.args.opt_number(least..=100)?.unwrap_or(last.count);
    let length = x.args.opt_number(0..=1024)?.and_then(|n| u16::try_from(n).ok()).unwrap_or(last.length);
    let timeout = x.args.opt_number(1..=600)?.unwrap_or(last.timeout);
    let ttl = x.args.opt_number(1..=255)?.and_then(|n| u8::try_from(n).ok()).unwrap_or(last.ttl);
    x.args.finish()?;
    needs_bearer(x.module)?;
    let settings = Settings { count, length, timeout, ttl };
    x.module.families.names.ping = settings;
    let name_servers = servers(x.module);
    let timeout = x.profile().timing.resolve;
    let query = x.module.ask(Query::Resolve { host: host.clone(), name_servers, timeout });
    Ok(wait(Ping { query, settings, host, address: None, done: 0 }))
}

fn wait(ping: Ping) -> Outcome {
    Outcome::Wait(Op::names(NamesOp::Ping(ping)))
}

/// The next echo leaves.
fn send(x: &mut Exchange<'_>, mut ping: Ping, address: IpAddr) -> Answer {
    let Settings { length, timeout, ttl, .. } = ping.settings;
    ping.query = x.module.ask(Query::Echo {
        host: format!("{address}"),
        name_servers: servers(x.module),
        sequence: u16::try_from(ping.done % 65_536).unwrap_or(0).wrapping_add(1),
        length,
        ttl,
        timeout: u64::from(timeout) * 100,
    });
    Ok(wait(ping))
}

/// The command's question has its answer: the address, or an echo.
pub(super) fn answered(
    x: &mut Exchange<'_>,
    mut ping: Ping,
    result: Result<QueryReply, QueryFailure>,
) -> Answer {
    let Some(address) = ping.address else {
        let Ok(QueryReply::Address(address)) = result else {
            return Err(Fault::error(format!("{} does not lead to an address", ping.host)));
        };
        ping.address = Some(shown(address));
        return send(x, ping, shown(address));
    };
    let (millis, ttl) = match result {
        Ok(QueryReply::Echo { millis, ttl, .. }) => (millis, ttl),
        Err(QueryFailure::NotPossible) => {
            return Err(Fault::error("this computer does not let the twin send echoes"));
        }
        Ok(_) | Err(_) => SILENCE,
    };
    if ping.done > 0 {
        x.reply.resume_block();
    }
    ping.done = ping.done.saturating_add(1);
    x.info(format_args!("+CIPPING: {},\"{address}\",{millis},{ttl}", ping.done));
    if ping.done == ping.settings.count {
        return Ok(Outcome::Ok);
    }
    send(x, ping, address)
}

/// The bearer is gone.
pub(super) fn given_up(module: &Module) -> Answer {
    Err(Fault::error(module.with_cause("the bearer went away while echoes were on their way")))
}
