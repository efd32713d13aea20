//! FTPGET, FTPLIST: downloads that the host fetches.

use alloc::format;

use super::host::{self, Verb};
use super::job::Action;
use super::check_idle;
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example};
use crate::exchange::Exchange;

pub(super) const FTPGET: Command = Command {
    syntax: &["AT+FTPGET=1               begin", "AT+FTPGET=2,<length 1-1460>   fetch", "AT+FTPGET=?"],
    reference: "manual AT+FTPGET",
    evidence: Evidence::Captured,
    remarks: "OK first, then +FTPGET: 1,1 when data wait; again when more come after all were read, and behind a read that leaves \
              some (the captures have it now once, now twice in a row; this rule is assumed). +FTPGET: 1,0 when the server has \
              confirmed and everything was read, also of an empty file, without 1,1 (both assumed), or 7.4 s after the last read \
              when data are left; those can then be fetched until the next verb (assumed). One capture has an empty line in front \
              of 1,0; others have none, and this has none. 11680 bytes at most wait for the host, the rest stays with the server (assumed). What cannot begin is \
              +CME ERROR: 3 (assumed). Fetching before 1,1: ERROR. With AT+FTPTYPE \"A\" the server converts line ends; the \
              module passes every byte on as it comes (assumed).",
    longest: 9_000,
    needs_card: true,
    set: Some(|x| verb(x, Verb::Get)),
    examples: &[
        example("AT+FTPGET=1", "\r\n+CME ERROR: 3\r\n"),
        example("AT+FTPGET=2,1460", "\r\nERROR\r\n"),
        example("AT+FTPGET=3", "\r\nERROR\r\n"),
        example("AT+FTPGET=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPGET", "Download a file")
};

pub(super) const FTPLIST: Command = Command {
    syntax: &["AT+FTPLIST=1               begin", "AT+FTPLIST=2,<length 1-1460>   fetch", "AT+FTPLIST=?"],
    reference: "manual AT+FTPLIST",
    evidence: Evidence::Captured,
    remarks: "As AT+FTPGET, with what the server says to LIST of AT+FTPGETPATH; an empty one is where the login leads to (assumed). \
              Always in TYPE A (assumed). An empty directory is +FTPLIST: 1,0 alone (assumed).",
    longest: 9_000,
    needs_card: true,
    set: Some(|x| verb(x, Verb::List)),
    examples: &[
        example("AT+FTPLIST=1", "\r\n+CME ERROR: 3\r\n"),
        example("AT+FTPLIST=2,1460", "\r\nERROR\r\n"),
        example("AT+FTPLIST=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPLIST", "List a directory on the server")
};

fn verb(x: &mut Exchange<'_>, verb: Verb) -> Answer {
    if x.args.small(1..=2)? == 1 {
        x.args.finish()?;
        return begin(x, verb);
    }
    let most = x.args.number(1..=u32::from(x.profile().ftp.get))?;
    x.args.finish()?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let name = verb.name();
    let Some(bytes) = host::take(x.module, verb, most) else {
        return Err(Fault::error(format!("there is no AT+{name}=1 session, or +{name}: 1,1 has not been said")));
    };
    x.info(format_args!("+{name}: 2,{}", bytes.len()));
    x.reply.raw(&bytes);
    Ok(Outcome::Ok)
}

fn begin(x: &mut Exchange<'_>, verb: Verb) -> Answer {
    check_idle(x.module)?;
    let settings = &x.module.families.ftp.settings;
    let action = match verb {
        Verb::List => Action::List(settings.get_path.clone()),
        Verb::Get | Verb::Put => {
            Action::Get { file: settings.file(), from: settings.rest }
        }
    };
    host::start(x.module, x.line, verb, action)?;
    Ok(Outcome::Ok)
}
