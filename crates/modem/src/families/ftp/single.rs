//! FTPMKD, FTPRMD, FTPDELE, FTPSIZE: one command to the server, without data.

use super::check_idle;
use super::engine;
use super::job::{Action, Done, Failure, Job, Party};
use crate::command::{Answer, Command, Evidence, Outcome, example};
use crate::exchange::Exchange;
use crate::io::LineId;
use crate::module::Module;

const REMARKS: &str = "OK first; what comes of it follows. What cannot begin is +CME ERROR: 3 (assumed).";

pub(super) const FTPMKD: Command = Command {
    syntax: &["AT+FTPMKD", "AT+FTPMKD=?"],
    reference: "manual AT+FTPMKD",
    evidence: Evidence::Captured,
    remarks: REMARKS,
    needs_card: true,
    execute: Some(|x| run(x, Action::MakeDirectory(x.module.families.ftp.settings.get_path.clone()), &MKD)),
    examples: &[example("AT+FTPMKD", "\r\n+CME ERROR: 3\r\n"), example("AT+FTPMKD=?", "\r\nOK\r\n")],
    ..Command::new("+FTPMKD", "Make the directory AT+FTPGETPATH on the server")
};

pub(super) const FTPRMD: Command = Command {
    syntax: &["AT+FTPRMD", "AT+FTPRMD=?"],
    reference: "manual AT+FTPRMD",
    evidence: Evidence::Captured,
    remarks: REMARKS,
    needs_card: true,
    execute: Some(|x| run(x, Action::RemoveDirectory(x.module.families.ftp.settings.get_path.clone()), &RMD)),
    examples: &[example("AT+FTPRMD", "\r\n+CME ERROR: 3\r\n"), example("AT+FTPRMD=?", "\r\nOK\r\n")],
    ..Command::new("+FTPRMD", "Remove the directory AT+FTPGETPATH on the server")
};

pub(super) const FTPDELE: Command = Command {
    syntax: &["AT+FTPDELE", "AT+FTPDELE=?"],
    reference: "manual AT+FTPDELE",
    evidence: Evidence::Captured,
    remarks: REMARKS,
    needs_card: true,
    execute: Some(|x| run(x, Action::Delete(x.module.families.ftp.settings.file()), &DELE)),
    examples: &[example("AT+FTPDELE", "\r\n+CME ERROR: 3\r\n"), example("AT+FTPDELE=?", "\r\nOK\r\n")],
    ..Command::new("+FTPDELE", "Delete the file AT+FTPGETPATH, AT+FTPGETNAME on the server")
};

pub(super) const FTPSIZE: Command = Command {
    syntax: &["AT+FTPSIZE", "AT+FTPSIZE=?"],
    reference: "manual AT+FTPSIZE",
    evidence: Evidence::Documented,
    remarks: "OK first; +FTPSIZE: 1,0,<bytes> or 1,<error>,0 follows. Always in TYPE I, since servers do not count texts (assumed). \
              What cannot begin is +CME ERROR: 3 (assumed).",
    needs_card: true,
    execute: Some(|x| run(x, Action::Size(x.module.families.ftp.settings.file()), &SIZE)),
    examples: &[example("AT+FTPSIZE", "\r\n+CME ERROR: 3\r\n"), example("AT+FTPSIZE=?", "\r\nOK\r\n")],
    ..Command::new("+FTPSIZE", "Size of the file AT+FTPGETPATH, AT+FTPGETNAME on the server")
};

const MKD: Party = Party::without_data("FTPMKD", |module, line, result| ended(module, line, "FTPMKD", result));
const RMD: Party = Party::without_data("FTPRMD", |module, line, result| ended(module, line, "FTPRMD", result));
const DELE: Party = Party::without_data("FTPDELE", |module, line, result| ended(module, line, "FTPDELE", result));
const SIZE: Party = Party::without_data("FTPSIZE", |module, line, result| match result {
    Ok(Done { bytes }) => module.urc(line, format_args!("+FTPSIZE: 1,0,{bytes}")),
    Err(failure) => module.urc(line, format_args!("+FTPSIZE: 1,{},0", failure.code())),
});

fn ended(module: &mut Module, line: LineId, name: &str, result: Result<Done, Failure>) {
    let code = result.map_or_else(Failure::code, |_| 0);
    module.urc(line, format_args!("+{name}: 1,{code}"));
}


fn run(x: &mut Exchange<'_>, action: Action, party: &'static Party) -> Answer {
    x.args.finish()?;
    check_idle(x.module)?;
    engine::start(x.module, Job { action, party, line: x.line })?;
    Ok(Outcome::Ok)
}
