//! FTPSTATE, FTPQUIT, FTPSSL: the session as such.

use super::settings::Security;
use super::{FtpTimer, engine, files, host, is_busy};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::FamilyTimer;

pub(super) const FTPSTATE: Command = Command {
    syntax: &["AT+FTPSTATE", "AT+FTPSTATE=?"],
    reference: "manual AT+FTPSTATE",
    evidence: Evidence::Documented,
    remarks: "0 idle, 1 in a session: from the verb's OK to its last line.",
    execute: Some(state),
    examples: &[
        example("AT+FTPSTATE", "\r\n+FTPSTATE: 0\r\n\r\nOK\r\n"),
        example("AT+FTPSTATE=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPSTATE", "Whether there is an FTP session")
};

pub(super) const FTPQUIT: Command = Command {
    syntax: &["AT+FTPQUIT", "AT+FTPQUIT=?"],
    reference: "manual AT+FTPQUIT",
    evidence: Evidence::Captured,
    remarks: "OK, 100 ms later the verb's line with 86, as +FTPGET: 1,86. What AT+FTPPUT=2 was given before is on the server. It \
              ends every verb, FTPMKD and the like included (assumed). Without a session, and once more: ERROR.",
    execute: Some(quit),
    examples: &[example("AT+FTPQUIT", "\r\nERROR\r\n"), example("AT+FTPQUIT=?", "\r\nOK\r\n")],
    ..Command::new("+FTPQUIT", "End the FTP session")
};

pub(super) const FTPSSL: Command = Command {
    syntax: &["AT+FTPSSL=<0 plain|1 implicit TLS|2 explicit TLS>", "AT+FTPSSL?", "AT+FTPSSL=?"],
    reference: "no page of the manual; the command of a related module",
    evidence: Evidence::Assumed,
    remarks: "The whole command is assumed: that context 34 is FTP's and that 80 to 84 are its TLS errors is documented, the switch \
              is not. 1: TLS from the first byte on (AT+FTPPORT has to be the port for that, mostly 990); 2: AUTH TLS. Both then \
              PBSZ 0 and PROT P, and TLS on the data connection, which offers the session of the control connection. 80: TLS on \
              the control connection; 81: AUTH refused; 82: PBSZ or PROT refused; 83: TLS on the data connection; \
              84: the server's certificate is not accepted, on either. 0 at power-on.",
    read: Some(read_security),
    set: Some(set_security),
    test: Test::Text("+FTPSSL: (0-2)"),
    examples: &[
        example("AT+FTPSSL?", "\r\n+FTPSSL: 0\r\n\r\nOK\r\n"),
        example_after(&["AT+FTPSSL=2"], "AT+FTPSSL?", "\r\n+FTPSSL: 2\r\n\r\nOK\r\n"),
        example("AT+FTPSSL=3", "\r\nERROR\r\n"),
        example("AT+FTPSSL=?", "\r\n+FTPSSL: (0-2)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPSSL", "FTP over TLS")
};

fn state(x: &mut Exchange<'_>) -> Answer {
    x.args.finish()?;
    let busy = is_busy(x.module);
    x.info(format_args!("+FTPSTATE: {}", u8::from(busy)));
    Ok(Outcome::Ok)
}

fn quit(x: &mut Exchange<'_>) -> Answer {
    x.args.finish()?;
    let ftp = &x.module.families.ftp;
    // A file that is whole is only being stored.
    let there = ftp.session.is_some() || host::is_busy(x.module);
    let quitting = ftp.session.as_ref().is_some_and(|session| session.is_quitting())
        || ftp.host.as_ref().is_some_and(|transfer| transfer.quitting);
    if !quitting && files::quit(x.module) {
        return Ok(Outcome::Ok);
    }
    if quitting || !there {
        return Err(Fault::error("there is no FTP session to end"));
    }
    host::quit(x.module);
    engine::quit(x.module);
    let delay = x.profile().ftp.quit;
    x.module.arm(FamilyTimer::ftp(FtpTimer::Leave), delay);
    Ok(Outcome::Ok)
}

fn read_security(x: &mut Exchange<'_>) -> Answer {
    let security = x.module.families.ftp.settings.security;
    x.info(format_args!("+FTPSSL: {}", security as u8));
    Ok(Outcome::Ok)
}

fn set_security(x: &mut Exchange<'_>) -> Answer {
    let security = match x.args.small(0..=2)? {
        0 => Security::Plain,
        1 => Security::Implicit,
        _ => Security::Explicit,
    };
    x.args.finish()?;
    if security != Security::Plain && !x.profile().ssl {
        return Err(Fault::error("this firmware variant has no SSL function (AT+CGMR shows which it is)"));
    }
    x.module.families.ftp.settings.security = security;
    Ok(Outcome::Ok)
}
