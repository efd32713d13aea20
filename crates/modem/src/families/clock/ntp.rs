//! CNTP, CNTPCID: the time from a server.

use alloc::string::String;

use super::adjust;
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{names, sapbr};
use crate::io::{LineId, Query, QueryFailure, QueryId, QueryReply};
use crate::module::Module;
use crate::profile::Profile;

/// Whom to ask, and who has been asked.
#[derive(Debug)]
pub(super) struct Ntp {
    /// Empty: nobody yet.
    server: String,
    /// What the clock's zone becomes, in quarters of an hour.
    zone: i8,
    /// The application's bearer.
    bearer: u8,
    /// The question that has no answer yet, and the line that is told.
    asked: Option<(QueryId, LineId)>,
}

impl Ntp {
    pub(super) fn new(profile: &Profile) -> Self {
        Self { server: String::new(), zone: profile.time_zone_quarters, bearer: 1, asked: None }
    }
}

/// The codes of `+CNTP: <code>`.
#[derive(Clone, Copy)]
enum Code {
    Done = 1,
    Network = 61,
    Name = 62,
    Connect = 63,
    Answer = 64,
    Timeout = 65,
}

pub(super) const CNTP: Command = Command {
    syntax: &["AT+CNTP=<server>[,<zone -47…+48>]", "AT+CNTP", "AT+CNTP?", "AT+CNTP=?"],
    reference: "manual AT+CNTP",
    evidence: Evidence::Documented,
    remarks: "OK first; then, on the same line, +CNTP: 1 once the clock is set, else 61 no network (the AT+SAPBR bearer of \
              AT+CNTPCID is not open, or lost), 62 the name does not resolve, 63 no way to the server, 64 bad answer, 65 no \
              answer in 5 s. Without a server, and while an answer is awaited: +CME ERROR: 3; the zone is in quarters of an \
              hour, at power-on and when left out the network's (all assumed).",
    execute: Some(ask),
    read: Some(read),
    set: Some(set),
    examples: &[
        example("AT+CNTP=\"ntp.example.com\",32", "\r\nOK\r\n"),
        example_after(
            &["AT+CNTP=ntp.example.com,-47"],
            "AT+CNTP?",
            "\r\n+CNTP: ntp.example.com,-47,5\r\n\r\nOK\r\n",
        ),
        example("AT+CNTP=ntp.example.com,49", "\r\nERROR\r\n"),
        example("AT+CNTP", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CNTP=192.0.2.123"], "AT+CNTP", "\r\nOK\r\n\r\n+CNTP: 61\r\n"),
        example_after(
            &["AT+CNTP=192.0.2.123", "AT+SAPBR=1,1"],
            "AT+CNTP",
            "\r\nOK\r\n\r\n+CNTP: 65\r\n",
        ),
        example("AT+CNTP=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CNTP", "Set the clock from a time server")
};

pub(super) const CNTPCID: Command = Command {
    syntax: &["AT+CNTPCID=<bearer 1-3>   default 1", "AT+CNTPCID?", "AT+CNTPCID=?"],
    reference: "manual AT+CNTPCID",
    evidence: Evidence::Documented,
    read: Some(read_bearer),
    set: Some(set_bearer),
    test: Test::Text("+CNTPCID:(1-3)"),
    examples: &[
        example("AT+CNTPCID?", "\r\n+CNTPCID:1\r\n\r\nOK\r\n"),
        example_after(&["AT+CNTPCID=3"], "AT+CNTPCID?", "\r\n+CNTPCID:3\r\n\r\nOK\r\n"),
        example("AT+CNTPCID=4", "\r\nERROR\r\n"),
        example("AT+CNTPCID=?", "\r\n+CNTPCID:(1-3)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CNTPCID", "The bearer of AT+CNTP")
};

fn read(x: &mut Exchange<'_>) -> Answer {
    let timeout = x.profile().timing.network_time_server / 1000;
    let Ntp { server, zone, .. } = &x.module.families.clock.ntp;
    x.reply.info(format_args!("+CNTP: {server},{zone},{timeout}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let server = names::host(x)?;
    let zone = match x.args.opt_text(3)? {
        None => x.profile().time_zone_quarters,
        Some(text) => text
            .parse()
            .ok()
            .filter(|zone| (-47..=48).contains(zone))
            .ok_or_else(|| Fault::error("the zone is -47 to +48, in quarters of an hour"))?,
    };
    x.args.finish()?;
    let ntp = &mut x.module.families.clock.ntp;
    (ntp.server, ntp.zone) = (server, zone);
    Ok(Outcome::Ok)
}

fn ask(x: &mut Exchange<'_>) -> Answer {
    let Ntp { server, bearer, asked, .. } = &x.module.families.clock.ntp;
    let (host, bearer) = (server.clone(), *bearer);
    if host.is_empty() {
        return Err(Fault::not_allowed("there is no server to ask; AT+CNTP=<server> comes before"));
    }
    if asked.is_some() {
        return Err(Fault::not_allowed("the server has been asked and has not answered yet"));
    }
    let line = x.line;
    if !sapbr::is_open(x.module, bearer) {
        let text = alloc::format!("bearer {bearer} is not open; AT+SAPBR=1,{bearer} comes before");
        x.module.note(Some(line), "AT+CNTP", text);
        tell(x.module, line, Code::Network);
        return Ok(Outcome::Ok);
    }
    let name_servers = names::application_servers(x.module, bearer);
    let timeout = x.profile().timing.network_time_server;
    let query = x.module.ask_over(Some(bearer), Query::Time { host, name_servers, timeout });
    x.module.families.clock.ntp.asked = Some((query, line));
    Ok(Outcome::Ok)
}

fn tell(module: &mut Module, line: LineId, code: Code) {
    module.urc(line, format_args!("+CNTP: {}", code as u8));
}

/// A question has its answer; perhaps ours.
pub(super) fn answered(module: &mut Module, query: QueryId, result: Result<QueryReply, QueryFailure>) {
    let Some((_, line)) = module.families.clock.ntp.asked.take_if(|(asked, _)| *asked == query) else {
        return;
    };
    let code = match result {
        Ok(QueryReply::Time(millis)) => {
            let zone = module.families.clock.ntp.zone;
            adjust(module, millis, zone);
            Code::Done
        }
        Err(QueryFailure::UnknownName | QueryFailure::BadNameServer | QueryFailure::NoNameServer) => {
            Code::Name
        }
        Err(QueryFailure::Unreachable) => Code::Connect,
        Ok(_) | Err(QueryFailure::BadAnswer) => Code::Answer,
        Err(QueryFailure::Timeout) => Code::Timeout,
        Err(QueryFailure::NotPossible | QueryFailure::Refused) => Code::Network,
    };
    tell(module, line, code);
}

/// A bearer is closed: nothing comes over it any more.
pub(super) fn bearer_closed(module: &mut Module, bearer: u8) {
    let ntp = &mut module.families.clock.ntp;
    if ntp.bearer != bearer {
        return;
    }
    if let Some((_, line)) = ntp.asked.take() {
        tell(module, line, Code::Network);
    }
}

fn read_bearer(x: &mut Exchange<'_>) -> Answer {
    let bearer = x.module.families.clock.ntp.bearer;
    x.info(format_args!("+CNTPCID:{bearer}"));
    Ok(Outcome::Ok)
}

fn set_bearer(x: &mut Exchange<'_>) -> Answer {
    let bearer = x.args.small(1..=3)?;
    x.args.finish()?;
    if x.module.families.clock.ntp.asked.is_some() {
        return Err(Fault::not_allowed("the server has been asked and has not answered yet"));
    }
    x.module.families.clock.ntp.bearer = bearer;
    Ok(Outcome::Ok)
}
