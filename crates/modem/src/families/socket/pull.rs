//! CIPRXGET: the host fetches received data itself.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::link::{self, LinkState};
use super::multi;
use super::receive::{deliver, grant};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::module::Module;

pub(super) const CIPRXGET: Command = Command {
    syntax: &[
        "AT+CIPRXGET=<0|1|5>                   0 data are pushed (default); 1 fetched, told once until read; 5 told each time",
        "AT+CIPRXGET=2,[<link>,]<length 1-1460>   read bytes; <link> in multi mode",
        "AT+CIPRXGET=3,[<link>,]<length 1-730>    read as upper-case hexadecimal digits",
        "AT+CIPRXGET=4[,<link>]                   how many bytes wait",
        "AT+CIPRXGET?",
        "AT+CIPRXGET=?",
    ],
    reference: "manual AT+CIPRXGET; a modem driver's measurements (limits, address in the URC)",
    evidence: Evidence::Documented,
    remarks: "A length out of range: +CME ERROR: 3. Data stay readable after the peer has closed, until the link is opened \
              anew, closed by AT+CIPCLOSE (assumed) or shut; then, or when a link without connection has nothing left, reads \
              answer +CME ERROR: 3, and so they do in mode 0 (assumed); 4 answers 0. A read of a UDP link ends where a \
              datagram ends (assumed). Going back to 0 pushes what waits (assumed). A change of AT+CIPMUX goes back to 0. At \
              most 11680 bytes wait for each link (assumed); what is beyond stays with the peer. Transparent mode takes no \
              notice of it (assumed).",
    read: Some(read_mode),
    set: Some(set),
    examples: &[
        example("AT+CIPRXGET?", "\r\n+CIPRXGET:0\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPRXGET=1"], "AT+CIPRXGET?", "\r\n+CIPRXGET:1\r\n\r\nOK\r\n"),
        example("AT+CIPRXGET=?", "\r\nOK\r\n"),
        example("AT+CIPRXGET=6", "\r\nERROR\r\n"),
        example("AT+CIPRXGET=2,10", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+CIPRXGET=1"], "AT+CIPRXGET=4", "\r\n+CIPRXGET: 4,0\r\n\r\nOK\r\n"),
        example_after(
            &["AT+CIPMUX=1", "AT+CIPRXGET=1"],
            "AT+CIPRXGET=4,0",
            "\r\n+CIPRXGET: 4,0,0\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CIPRXGET", "Fetch received data")
};

/// The most bytes that one answer gives as hexadecimal digits.
const MOST_AS_DIGITS: usize = 730;

fn read_mode(x: &mut Exchange<'_>) -> Answer {
    let mode = x.module.families.socket.settings.pull;
    x.info(format_args!("+CIPRXGET:{mode}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    match x.args.small(0..=5)? {
        mode @ (0 | 1 | 5) => {
            x.args.finish()?;
            change(x.module, mode);
            Ok(Outcome::Ok)
        }
        4 => waiting(x),
        mode => fetch(x, mode),
    }
}

/// Another mode. What waits is pushed when the host does not want to fetch it any more.
pub(super) fn change(module: &mut Module, mode: u8) {
    module.families.socket.settings.pull = mode;
    for number in 0..link::touched(module) {
        if mode == 0 {
            while let Some(bytes) = take_all(module, number) {
                deliver(module, number, &bytes);
            }
        }
        grant(module, number);
    }
}

/// The next of what waits: all of a stream, or one datagram.
fn take_all(module: &mut Module, number: u8) -> Option<Vec<u8>> {
    let link = link::get_mut(module, number)?;
    link.announced = false;
    Some(link.inbox.take(usize::MAX)).filter(|bytes| !bytes.is_empty())
}

/// The link's number, which is typed in multi mode only.
fn number(x: &mut Exchange<'_>) -> Result<u8, Fault> {
    if !multi(x.module) {
        return Ok(0);
    }
    Ok(x.args.small(0..=x.profile().links.saturating_sub(1))?)
}

/// How a link's number stands in the answer.
fn shown(x: &Exchange<'_>, number: u8) -> String {
    if multi(x.module) { format!("{number},") } else { String::new() }
}

fn fetched_by_host(x: &Exchange<'_>) -> Result<(), Fault> {
    if x.module.families.socket.settings.pull != 0 {
        return Ok(());
    }
    Err(Fault::not_allowed("received data are pushed; AT+CIPRXGET=1 lets the host fetch them"))
}

fn waiting(x: &mut Exchange<'_>) -> Answer {
    let number = number(x)?;
    x.args.finish()?;
    fetched_by_host(x)?;
    let left = link::get(x.module, number).map_or(0, |link| link.inbox.len());
    let shown = shown(x, number);
    x.info(format_args!("+CIPRXGET: 4,{shown}{left}"));
    Ok(Outcome::Ok)
}

fn fetch(x: &mut Exchange<'_>, mode: u8) -> Answer {
    let number = number(x)?;
    let length = usize::try_from(x.args.number(0..=u32::MAX)?).unwrap_or(usize::MAX);
    x.args.finish()?;
    fetched_by_host(x)?;
    let most = if mode == 3 { MOST_AS_DIGITS } else { x.profile().segment };
    if length == 0 || length > most {
        return Err(Fault::not_allowed(format!("the length is 1 to {most}")));
    }
    let readable = link::get_mut(x.module, number)
        .filter(|link| link.state == LinkState::Connected || link.inbox.len() > 0);
    let Some(link) = readable else {
        return Err(Fault::not_allowed("the link is not connected and has nothing left to read"));
    };
    link.announced = false;
    let bytes = link.inbox.take(length);
    let (got, left) = (bytes.len(), link.inbox.len());
    let shown = shown(x, number);
    x.info(format_args!("+CIPRXGET: {mode},{shown}{got},{left}"));
    x.reply.raw(&if mode == 3 { digits(&bytes) } else { bytes });
    grant(x.module, number);
    Ok(Outcome::Ok)
}

fn digits(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).collect()
}
