//! CIPSTATUS: the state of the bearer and of the links.

use at::FinalCode;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::socket;

pub(super) const CIPSTATUS: Command = Command {
    syntax: &["AT+CIPSTATUS", "AT+CIPSTATUS=<link>", "AT+CIPSTATUS=?"],
    reference: "manual AT+CIPSTATUS",
    evidence: Evidence::Captured,
    remarks: "OK comes first. In multi mode as many C: lines as there are links, behind an empty line (assumed). The set \
              form (multi mode) prints the bare fields, then OK (assumed). REMOTE CLOSING while there is still something to read \
              of what a peer sent before it closed (assumed).",
    execute: Some(all),
    set: Some(one),
    examples: &[
        example("AT+CIPSTATUS", "\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n"),
        example_after(&["AT+CSTT"], "AT+CIPSTATUS", "\r\nOK\r\n\r\nSTATE: IP START\r\n"),
        example_after(&["AT+CSTT", "AT+CIICR"], "AT+CIPSTATUS", "\r\nOK\r\n\r\nSTATE: IP GPRSACT\r\n"),
        example_after(
            &["AT+CSTT", "AT+CIICR", "AT+CIFSR"],
            "AT+CIPSTATUS",
            "\r\nOK\r\n\r\nSTATE: IP STATUS\r\n",
        ),
        example_after(&["AT+CIPMUX=1"], "AT+CIPSTATUS=3", "\r\n3,,\"\",\"\",\"\",\"INITIAL\"\r\n\r\nOK\r\n"),
        example("AT+CIPSTATUS=0", "\r\nERROR\r\n"),
    ],
    ..Command::new("+CIPSTATUS", "State of the bearer and the links")
};

fn all(x: &mut Exchange<'_>) -> Answer {
    x.reply.final_code(FinalCode::Ok);
    let state = socket::state_text(x.module);
    x.info(format_args!("STATE: {state}"));
    if socket::multi(x.module) {
        x.reply.end_block();
        for number in 0..x.profile().links {
            let fields = socket::status_fields(x.module, number);
            x.reply.info(format_args!("C: {fields}"));
        }
    }
    Ok(Outcome::Said)
}

fn one(x: &mut Exchange<'_>) -> Answer {
    if !socket::multi(x.module) {
        return Err(Fault::error("a link number is for AT+CIPMUX=1"));
    }
    let number = x.args.small(0..=x.profile().links.saturating_sub(1))?;
    x.args.finish()?;
    let fields = socket::status_fields(x.module, number);
    x.reply.info(format_args!("{fields}"));
    Ok(Outcome::Ok)
}
