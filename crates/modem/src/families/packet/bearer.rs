//! CSTT, CIICR, CIFSR, CIPSHUT: the steps of the TCP/IP bearer.

use alloc::string::String;
use at::CmeError;

use super::{Bearer, NO_BEARER, PacketOp, access, address, apn, bring_up, shut};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;

/// What a bearer is asked for with.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) apn: String,
    pub(crate) user: String,
    pub(crate) password: String,
}

impl core::fmt::Debug for Access {
    /// Without the password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Access").field("apn", &self.apn).field("user", &self.user).finish_non_exhaustive()
    }
}

pub(super) const CSTT: Command = Command {
    syntax: &["AT+CSTT", "AT+CSTT=<apn>[,<user>[,<password>]]", "AT+CSTT?", "AT+CSTT=?"],
    reference: "manual AT+CSTT; TCP guide for Air724",
    evidence: Evidence::Documented,
    remarks: "At most 128, 32 and 32 bytes. Without an APN, or with an empty one, that of AT+CIPCSGP, else the default context's is used and shown. That the \
              query quotes its strings is assumed.",
    longest: 60_000,
    execute: Some(start_task),
    read: Some(read_access),
    set: Some(set_access),
    test: Test::Text("+CSTT: \"APN\",\"USER\",\"PWD\""),
    examples: &[
        example("AT+CSTT", "\r\nOK\r\n"),
        example("AT+CSTT=\"\",\"\",\"\"", "\r\nOK\r\n"),
        example_after(&["AT+CSTT"], "AT+CSTT?", "\r\n+CSTT: \"cmiot\",\"\",\"\"\r\n\r\nOK\r\n"),
        example_after(
            &["AT+CSTT=cmnet,me,secret"],
            "AT+CSTT?",
            "\r\n+CSTT: \"cmnet\",\"me\",\"secret\"\r\n\r\nOK\r\n",
        ),
        example("AT+CSTT=?", "\r\n+CSTT: \"APN\",\"USER\",\"PWD\"\r\n\r\nOK\r\n"),
        example_after(&["AT+CSTT"], "AT+CSTT", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CSTT", "Start the TCP/IP task; APN, user name, password")
};

pub(super) const CIICR: Command = Command {
    syntax: &["AT+CIICR", "AT+CIICR=?"],
    reference: "manual AT+CIICR; TCP guide for siblings (failure)",
    evidence: Evidence::Documented,
    remarks: "Waits up to 90 s for the network. When it fails: +PDP: DEACT, then +CME ERROR: 65535; AT+CIPSHUT, AT+CSTT and \
              AT+CIICR again are the cure.",
    longest: 90_000,
    needs_card: true,
    execute: Some(bring_up_bearer),
    examples: &[
        example_after(&["AT+CSTT"], "AT+CIICR", "\r\nOK\r\n"),
        example("AT+CIICR", "\r\n+CME ERROR: 3\r\n"),
        example("AT+CIICR=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CIICR", "Bring up the bearer")
};

pub(super) const CIFSR: Command = Command {
    syntax: &["AT+CIFSR", "AT+CIFSR=?"],
    reference: "manual AT+CIFSR",
    evidence: Evidence::Captured,
    remarks: "Prints the bare address and no OK.",
    execute: Some(own_address),
    examples: &[
        example("AT+CIFSR", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CSTT"], "AT+CIFSR", "\r\n+CME ERROR: 3\r\n"),
    ],
    ..Command::new("+CIFSR", "The bearer's own address")
};

pub(super) const CIPSHUT: Command = Command {
    syntax: &["AT+CIPSHUT", "AT+CIPSHUT=?"],
    reference: "manual AT+CIPSHUT",
    evidence: Evidence::Documented,
    remarks: "Legal in every state; prints SHUT OK in the place of OK. Links are dropped at once.",
    longest: 90_000,
    execute: Some(shut_down),
    examples: &[
        example("AT+CIPSHUT", "\r\nSHUT OK\r\n"),
        example_after(&["AT+CSTT", "AT+CIICR", "AT+CIFSR"], "AT+CIPSHUT", "\r\nSHUT OK\r\n"),
    ],
    ..Command::new("+CIPSHUT", "Close all links and the bearer")
};

fn start_task(x: &mut Exchange<'_>) -> Answer {
    let access = apn::fallback(x.module);
    begin(x, access)
}

fn set_access(x: &mut Exchange<'_>) -> Answer {
    let access = apn::typed_access(x)?;
    x.args.finish()?;
    begin(x, access)
}

fn begin(x: &mut Exchange<'_>, mut access: Access) -> Answer {
    if x.module.families.packet.bearer != Bearer::Initial {
        return Err(Fault::not_allowed("AT+CSTT works in IP INITIAL only; AT+CIPSHUT leads there"));
    }
    if access.apn.is_empty() {
        access.apn = apn::fallback(x.module).apn;
    }
    x.module.families.packet.access = Some(access);
    x.module.families.packet.bearer = Bearer::Start;
    Ok(Outcome::Ok)
}

fn read_access(x: &mut Exchange<'_>) -> Answer {
    let Access { apn, user, password } = access(x.module);
    x.info(format_args!("+CSTT: \"{apn}\",\"{user}\",\"{password}\""));
    Ok(Outcome::Ok)
}

fn bring_up_bearer(x: &mut Exchange<'_>) -> Answer {
    if x.module.families.packet.bearer != Bearer::Start {
        return Err(Fault::not_allowed("AT+CIICR works in IP START only: AT+CSTT comes before it, once"));
    }
    bring_up(x.module, false);
    Ok(Outcome::Wait(Op::packet(PacketOp::BringUp)))
}

/// CIICR goes on.
pub(super) fn brought_up(x: &mut Exchange<'_>) -> Answer {
    match x.module.families.packet.bearer {
        Bearer::Config { .. } => Ok(Outcome::Wait(Op::packet(PacketOp::BringUp))),
        Bearer::Active | Bearer::Status => Ok(Outcome::Ok),
        Bearer::Deactivated => {
            x.info(format_args!("+PDP: DEACT"));
            x.reply.end_block();
            Err(Fault::cme(CmeError::OTHER, x.module.cause_or(NO_BEARER)))
        }
        Bearer::Initial | Bearer::Start => Err(Fault::not_allowed("AT+CIPSHUT came in between")),
    }
}

fn own_address(x: &mut Exchange<'_>) -> Answer {
    match x.module.families.packet.bearer {
        Bearer::Active | Bearer::Status => {}
        _ => {
            return Err(Fault::not_allowed(
                "there is no address before AT+CIICR, nor after the bearer is lost",
            ));
        }
    }
    x.module.families.packet.bearer = Bearer::Status;
    let address = address(&x.module.setup, x.profile().default_cid);
    x.info(format_args!("{address}"));
    Ok(Outcome::Said)
}

fn shut_down(x: &mut Exchange<'_>) -> Answer {
    shut(x.module);
    x.info(format_args!("SHUT OK"));
    Ok(Outcome::Said)
}
