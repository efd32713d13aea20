//! CGDCONT, CGACT, CGPADDR, *GETIP: packet contexts.

use alloc::string::String;
use alloc::vec::Vec;
use at::CmeError;
use core::net::Ipv4Addr;

use super::grant::grants_context;
use super::{address, default_lost, set_active};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::network::{self, AfterAttach};
use crate::module::Module;

/// Most context numbers that can be defined.
const LAST_CID: u8 = 7;
/// TS 27.007 9.2.2: "unspecified GPRS error".
const UNSPECIFIED: CmeError = CmeError(148);

/// A defined packet context.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) cid: u8,
    kind: &'static str,
    pub(super) apn: String,
    compression: (u8, u8),
    /// Not taken down since the last attach. Counts only while the packet domain is attached.
    pub(super) active: bool,
}

impl Context {
    pub(super) fn new(cid: u8, apn: &str) -> Self {
        Self { cid, kind: "IP", apn: apn.into(), compression: (0, 0), active: false }
    }
}

pub(super) const CGDCONT: Command = Command {
    syntax: &[
        "AT+CGDCONT=<cid 1-7>[,<type>[,<apn>[,<address>[,<d_comp>[,<h_comp>]]]]]",
        "AT+CGDCONT=<cid>   forgets the context",
        "AT+CGDCONT?",
        "AT+CGDCONT=?",
    ],
    reference: "TS 27.007 10.1.1; manual AT+CGDCONT",
    evidence: Evidence::Captured,
    remarks: "The default context is 5. An address given here is ignored: the network gives one. Cids 1-7 and the test \
              form's text are assumed.",
    read: Some(read_contexts),
    set: Some(define),
    test: Test::Handler(test_contexts),
    examples: &[
        example("AT+CGDCONT=1,\"IP\",\"cmnet\"", "\r\nOK\r\n"),
        example("AT+CGDCONT=8,\"IP\"", "\r\nERROR\r\n"),
        example("AT+CGDCONT=1,\"PPP\"", "\r\nERROR\r\n"),
        example("AT+CGDCONT=5", "\r\n+CME ERROR: 3\r\n"),
        example(
            "AT+CGDCONT=?",
            "\r\n+CGDCONT: (1-7),\"IP\",,,(0-2),(0-4)\r\n+CGDCONT: (1-7),\"IPV6\",,,(0-2),(0-4)\r\n\
             +CGDCONT: (1-7),\"IPV4V6\",,,(0-2),(0-4)\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CGDCONT", "Define a packet context")
};

pub(super) const CGACT: Command = Command {
    syntax: &["AT+CGACT=<0-1>[,<cid>[,<cid>…]]", "AT+CGACT?", "AT+CGACT=?"],
    reference: "TS 27.007 10.1.10; manual AT+CGACT",
    evidence: Evidence::Documented,
    remarks: "Without a cid all defined contexts are meant. While detached, state 1 attaches first, as AT+CGATT=1 does. \
              Taking down context 5 takes the TCP/IP bearer with it. Not defined: +CME ERROR: 3; refused by the network: \
              +CME ERROR: 148 (both assumed).",
    longest: 108_000,
    needs_card: true,
    read: Some(read_activity),
    set: Some(set_activity),
    test: Test::Text("+CGACT: (0,1)"),
    examples: &[
        example("AT+CGACT?", "\r\n+CGACT: 5,1\r\n\r\nOK\r\n"),
        example("AT+CGACT=1,5", "\r\nOK\r\n"),
        example_after(
            &["AT+CGDCONT=1,\"IP\",\"cmnet\"", "AT+CGACT=1,1"],
            "AT+CGACT?",
            "\r\n+CGACT: 1,1\r\n+CGACT: 5,1\r\n\r\nOK\r\n",
        ),
        example("AT+CGACT=1,2", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CGACT=2,5", "\r\nERROR\r\n"),
        example("AT+CGACT=?", "\r\n+CGACT: (0,1)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CGACT", "Activate or deactivate packet contexts")
};

pub(super) const CGPADDR: Command = Command {
    syntax: &["AT+CGPADDR[=<cid>[,<cid>…]]", "AT+CGPADDR=?"],
    reference: "TS 27.007 10.1.14; manual AT+CGPADDR",
    evidence: Evidence::Documented,
    remarks: "A context without an address prints \"\" (assumed). The test form lists the defined contexts.",
    execute: Some(addresses),
    set: Some(addresses),
    test: Test::Handler(test_addresses),
    examples: &[
        example("AT+CGPADDR=?", "\r\n+CGPADDR: (5)\r\n\r\nOK\r\n"),
        example_after(&["AT+CGACT=0,5"], "AT+CGPADDR=5", "\r\n+CGPADDR: 5,\"\"\r\n\r\nOK\r\n"),
        example("AT+CGPADDR=3", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CGPADDR", "Addresses of packet contexts")
};

pub(super) const GETIP: Command = Command {
    syntax: &["AT*GETIP=<cid>", "AT*GETIP=?"],
    reference: "manual AT*GETIP",
    evidence: Evidence::Documented,
    remarks: "The gateway is the first host of the address's /24 (assumed). Not active: +CME ERROR: 3 (assumed).",
    set: Some(address_and_gateway),
    examples: &[
        example_after(&["AT+CGACT=0,5"], "AT*GETIP=5", "\r\n+CME ERROR: 3\r\n"),
        example("AT*GETIP=9", "\r\nERROR\r\n"),
        example("AT*GETIP=?", "\r\nOK\r\n"),
    ],
    ..Command::new("*GETIP", "Address and gateway of a packet context")
};

fn position(module: &Module, cid: u8) -> Result<usize, Fault> {
    let contexts = &module.families.packet.contexts;
    contexts.iter().position(|context| context.cid == cid).ok_or_else(|| {
        Fault::not_allowed(alloc::format!("context {cid} is not defined; AT+CGDCONT defines one"))
    })
}

/// A context's address, if it is up.
pub(super) fn own_address(module: &Module, context: &Context) -> Option<Ipv4Addr> {
    (context.active && network::attached(module)).then(|| address(&module.setup, context.cid))
}

/// An address as the contexts' commands print it: nothing when there is none.
fn printed(address: Option<Ipv4Addr>) -> String {
    address.map(|address| alloc::format!("{address}")).unwrap_or_default()
}

fn read_contexts(x: &mut Exchange<'_>) -> Answer {
    for context in &x.module.families.packet.contexts {
        let Context { cid, kind, apn, compression: (data, header), .. } = context;
        let address = printed(own_address(x.module, context));
        x.reply.info(format_args!("+CGDCONT: {cid},\"{kind}\",\"{apn}\",\"{address}\",{data},{header}"));
    }
    Ok(Outcome::Ok)
}

fn test_contexts(x: &mut Exchange<'_>) -> Answer {
    for kind in ["IP", "IPV6", "IPV4V6"] {
        x.info(format_args!("+CGDCONT: (1-{LAST_CID}),\"{kind}\",,,(0-2),(0-4)"));
    }
    Ok(Outcome::Ok)
}

fn define(x: &mut Exchange<'_>) -> Answer {
    let cid = x.args.small(1..=LAST_CID)?;
    let attached = network::attached(x.module);
    if x.args.left() == 0 {
        let contexts = &mut x.module.families.packet.contexts;
        if contexts.iter().any(|context| context.cid == cid && context.active && attached) {
            return Err(Fault::not_allowed("an active context cannot be forgotten; AT+CGACT=0 before it"));
        }
        contexts.retain(|context| context.cid != cid);
        return Ok(Outcome::Ok);
    }
    let limits = x.profile().name_limits;
    let kind = match x.args.opt_text(8)?.unwrap_or("IP") {
        kind if kind.eq_ignore_ascii_case("IP") => "IP",
        kind if kind.eq_ignore_ascii_case("IPV6") => "IPV6",
        kind if kind.eq_ignore_ascii_case("IPV4V6") => "IPV4V6",
        _ => return Err(Fault::error("the type is IP, IPV6 or IPV4V6")),
    };
    let apn = x.args.opt_text(limits.apn)?.unwrap_or_default().into();
    x.args.opt_text(64)?;
    let data = x.args.opt_number(0..=2)?.unwrap_or(0);
    let header = x.args.opt_number(0..=4)?.unwrap_or(0);
    x.args.finish()?;
    let compression = (u8::try_from(data).unwrap_or(0), u8::try_from(header).unwrap_or(0));
    let contexts = &mut x.module.families.packet.contexts;
    match contexts.iter_mut().find(|context| context.cid == cid) {
        Some(context) => {
            context.kind = kind;
            context.apn = apn;
            context.compression = compression;
        }
        None => {
            contexts.push(Context { cid, kind, apn, compression, active: false });
            contexts.sort_by_key(|context| context.cid);
        }
    }
    Ok(Outcome::Ok)
}

fn read_activity(x: &mut Exchange<'_>) -> Answer {
    for context in &x.module.families.packet.contexts {
        let active = u8::from(own_address(x.module, context).is_some());
        x.reply.info(format_args!("+CGACT: {},{active}", context.cid));
    }
    Ok(Outcome::Ok)
}

/// The cids that a command names; all defined ones when it names none.
fn named(x: &mut Exchange<'_>) -> Result<Vec<u8>, Fault> {
    let mut cids = Vec::new();
    while x.args.left() > 0 {
        let Some(cid) = x.args.opt_number(1..=u32::from(LAST_CID))? else { break };
        let cid = u8::try_from(cid).unwrap_or(LAST_CID);
        position(x.module, cid)?;
        if !cids.contains(&cid) {
            cids.push(cid);
        }
    }
    if cids.is_empty() {
        cids.extend(x.module.families.packet.contexts.iter().map(|context| context.cid));
    }
    Ok(cids)
}

fn set_activity(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    let cids = named(x)?;
    match on {
        true if network::attached(x.module) => activate(x, &cids),
        true => {
            let limit = x.profile().timing.attach_limit;
            network::attach_for(x, AfterAttach::Contexts(cids), limit)
        }
        false => {
            for cid in cids {
                set_active(x.module, cid, false);
                if cid == x.profile().default_cid {
                    default_lost(x.module);
                }
            }
            Ok(Outcome::Ok)
        }
    }
}

/// Brings contexts up; the packet domain is attached.
pub(crate) fn activate(x: &mut Exchange<'_>, cids: &[u8]) -> Answer {
    for &cid in cids {
        let index = position(x.module, cid)?;
        let apn = x.module.families.packet.contexts.get(index).map_or("", |context| &context.apn);
        // The network itself chooses the default context's APN.
        let apn = if cid == x.profile().default_cid { "" } else { apn };
        if !grants_context(x.module, apn) {
            return Err(Fault::cme(UNSPECIFIED, x.module.with_cause("the network refuses the context")));
        }
        set_active(x.module, cid, true);
    }
    Ok(Outcome::Ok)
}

fn addresses(x: &mut Exchange<'_>) -> Answer {
    let cids = named(x)?;
    for context in x.module.families.packet.contexts.iter().filter(|context| cids.contains(&context.cid)) {
        let address = printed(own_address(x.module, context));
        x.reply.info(format_args!("+CGPADDR: {},\"{address}\"", context.cid));
    }
    Ok(Outcome::Ok)
}

fn test_addresses(x: &mut Exchange<'_>) -> Answer {
    let cids: Vec<String> =
        x.module.families.packet.contexts.iter().map(|context| alloc::format!("{}", context.cid)).collect();
    x.info(format_args!("+CGPADDR: ({})", cids.join(",")));
    Ok(Outcome::Ok)
}

fn address_and_gateway(x: &mut Exchange<'_>) -> Answer {
    let cid = x.args.small(1..=LAST_CID)?;
    x.args.finish()?;
    let index = position(x.module, cid)?;
    let context = x.module.families.packet.contexts.get(index);
    let Some(address) = context.and_then(|context| own_address(x.module, context)) else {
        return Err(Fault::not_allowed(alloc::format!("context {cid} is not active")));
    };
    let [a, b, c, _] = address.octets();
    let gateway = Ipv4Addr::new(a, b, c, 1);
    x.info(format_args!("+GETIP: {address},{gateway}"));
    Ok(Outcome::Ok)
}
