//! CDNSGIP: the address of a name.

use alloc::format;
use alloc::string::String;

use super::{host, needs_bearer, servers, shown};
use crate::command::{Answer, Command, Evidence, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::io::{LineId, Query, QueryFailure, QueryId, QueryReply};
use crate::module::Module;

/// How many names may be asked for at once.
const MOST: usize = 8;
/// The longest part of a name between two dots (RFC 1035 2.3.4).
const LABEL: usize = 63;

/// A name that has been asked for.
#[derive(Debug)]
pub(super) struct Lookup {
    query: QueryId,
    line: LineId,
    name: String,
}

/// The error codes of `+CDNSGIP:0,<code>`.
#[derive(Clone, Copy)]
enum Code {
    /// The network, or the bearer.
    Network = 3,
    UnknownName = 8,
    General = 10,
    Retries = 11,
    NoServer = 12,
    Memory = 13,
    BadName = 14,
    BadAnswer = 15,
}

pub(super) const CDNSGIP: Command = Command {
    syntax: &["AT+CDNSGIP=<name>", "AT+CDNSGIP=?"],
    reference: "manual AT+CDNSGIP",
    evidence: Evidence::Documented,
    remarks: "OK first; then, on the same line, +CDNSGIP: 1,\"<name>\",\"<address>\" or +CDNSGIP:0,<code>, with just these \
              blanks. Codes: 3 the bearer is lost, or there is no way to the server; 8 there is no such name; 10 general; 11 no \
              answer after all retries; 12 no name server answers; 13 no memory (eight names are being asked for); 14 no name \
              that can exist; 15 bad answer. Which failure has which code is assumed. The bearer has to be up (AT+CIICR), \
              else ERROR.",
    longest: 14_000,
    needs_card: true,
    set: Some(look_up),
    examples: &[
        example("AT+CDNSGIP=\"www.example.com\"", "\r\nERROR\r\n"),
        example_after(
            &["AT+CSTT", "AT+CIICR", "AT+CIFSR"],
            "AT+CDNSGIP=192.0.2.7",
            "\r\nOK\r\n\r\n+CDNSGIP: 1,\"192.0.2.7\",\"192.0.2.7\"\r\n",
        ),
        example_after(
            &["AT+CSTT", "AT+CIICR", "AT+CIFSR"],
            "AT+CDNSGIP=\"www..com\"",
            "\r\nOK\r\n\r\n+CDNSGIP:0,14\r\n",
        ),
        example_after(&["AT+CSTT", "AT+CIICR", "AT+CIFSR"], "AT+CDNSGIP=\"\"", "\r\nERROR\r\n"),
        example("AT+CDNSGIP=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CDNSGIP", "The address of a name")
};

fn look_up(x: &mut Exchange<'_>) -> Answer {
    let name = host(x)?;
    x.args.finish()?;
    needs_bearer(x.module)?;
    let line = x.line;
    if !can_exist(&name) {
        let text = format!("{name} cannot be a name: it has an empty part, one of over {LABEL} bytes, or a bad character");
        x.module.note(Some(line), "AT+CDNSGIP=", text);
        failed(x.module, line, Code::BadName);
    } else if x.module.families.names.lookups.len() >= MOST {
        x.module.note(Some(line), "AT+CDNSGIP=", format!("{MOST} names are being asked for already"));
        failed(x.module, line, Code::Memory);
    } else {
        let name_servers = servers(x.module);
        let timeout = x.profile().timing.resolve;
        let query = x.module.ask(Query::Resolve { host: name.clone(), name_servers, timeout });
        x.module.families.names.lookups.push(Lookup { query, line, name });
    }
    Ok(Outcome::Ok)
}

/// Whether a name server could know it.
fn can_exist(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').all(|part| {
        (1..=LABEL).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

fn failed(module: &mut Module, line: LineId, code: Code) {
    module.urc(line, format_args!("+CDNSGIP:0,{}", code as u8));
}

/// A question has its answer; perhaps one of ours.
pub(super) fn answered(module: &mut Module, query: QueryId, result: Result<QueryReply, QueryFailure>) {
    let lookups = &mut module.families.names.lookups;
    let Some(index) = lookups.iter().position(|lookup| lookup.query == query) else { return };
    let Lookup { line, name, .. } = lookups.remove(index);
    let code = match result {
        Ok(QueryReply::Address(address)) => {
            let address = shown(address);
            return module.urc(line, format_args!("+CDNSGIP: 1,\"{name}\",\"{address}\""));
        }
        Err(QueryFailure::UnknownName) => Code::UnknownName,
        Err(QueryFailure::BadNameServer | QueryFailure::BadAnswer) => Code::BadAnswer,
        Err(QueryFailure::NoNameServer) => Code::NoServer,
        Err(QueryFailure::Timeout) => Code::Retries,
        Err(QueryFailure::Unreachable) => Code::Network,
        Ok(_) | Err(QueryFailure::NotPossible | QueryFailure::Refused) => Code::General,
    };
    failed(module, line, code);
}

pub(super) fn bearer_lost(module: &mut Module) {
    for Lookup { line, .. } in core::mem::take(&mut module.families.names.lookups) {
        failed(module, line, Code::Network);
    }
}
