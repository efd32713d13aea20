//! FTPCID … FTPPUTPATH: what the next session is made of. Nothing touches the network here.
//!
//! All texts end up in commands to the server, so a control character is refused: it could begin a command of its own.

use alloc::string::String;
use core::fmt;

use super::settings::{PutOption, Settings, Type};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;

pub(super) const FTPCID: Command = Command {
    syntax: &["AT+FTPCID=<bearer 1-3>", "AT+FTPCID?", "AT+FTPCID=?"],
    reference: "manual AT+FTPCID",
    evidence: Evidence::Documented,
    remarks: "Which bearer of AT+SAPBR; 1 at power-on (an older manual says 0). As every FTP setting it is kept by AT+FTPSCONT alone, \
              and counts from the next session on (assumed).",
    read: Some(|x| show(x, |settings| settings.cid)),
    set: Some(|x| {
        let cid = x.args.small(1..=3)?;
        change(x, |settings| settings.cid = cid)
    }),
    examples: &[
        example("AT+FTPCID=1", "\r\nOK\r\n"),
        example("AT+FTPCID=4", "\r\nERROR\r\n"),
        example("AT+FTPCID?", "\r\n+FTPCID: 1\r\n\r\nOK\r\n"),
        example("AT+FTPCID=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPCID", "Bearer of FTP")
};

pub(super) const FTPSERV: Command = Command {
    syntax: &["AT+FTPSERV=<address or name, at most 49>", "AT+FTPSERV?", "AT+FTPSERV=?"],
    reference: "manual AT+FTPSERV",
    evidence: Evidence::Documented,
    remarks: "Empty at power-on, and may be emptied (assumed). Blanks and control characters: ERROR (assumed). The query prints values \
              without quotes (assumed).",
    read: Some(|x| show(x, |settings| settings.server.clone())),
    set: Some(set_server),
    examples: &[
        example("AT+FTPSERV=\"ftp.example.com\"", "\r\nOK\r\n"),
        example("AT+FTPSERV=192.0.2.1", "\r\nOK\r\n"),
        example("AT+FTPSERV=\"ftp example com\"", "\r\nERROR\r\n"),
        example_after(
            &["AT+FTPSERV=\"ftp.example.com\""],
            "AT+FTPSERV?",
            "\r\n+FTPSERV: ftp.example.com\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+FTPSERV", "FTP server")
};

pub(super) const FTPPORT: Command = Command {
    syntax: &["AT+FTPPORT=<port 1-65535>", "AT+FTPPORT?", "AT+FTPPORT=?"],
    reference: "manual AT+FTPPORT",
    evidence: Evidence::Documented,
    remarks: "The port of the control connection.",
    read: Some(|x| show(x, |settings| settings.port)),
    set: Some(|x| {
        let port = x.args.number(1..=65535)?;
        change(x, |settings| settings.port = u16::try_from(port).unwrap_or(settings.port))
    }),
    examples: &[
        example("AT+FTPPORT=2121", "\r\nOK\r\n"),
        example("AT+FTPPORT=0", "\r\nERROR\r\n"),
        example("AT+FTPPORT=65536", "\r\nERROR\r\n"),
        example("AT+FTPPORT?", "\r\n+FTPPORT: 21\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPPORT", "Port of the FTP server")
};

pub(super) const FTPUN: Command = Command {
    syntax: &["AT+FTPUN=<user name, at most 49>", "AT+FTPUN?", "AT+FTPUN=?"],
    reference: "manual AT+FTPUN",
    evidence: Evidence::Documented,
    remarks: "Quoted or bare, as all FTP texts. Control characters: ERROR; what is not ASCII is taken when it is UTF-8 (both assumed, \
              for all of them).",
    read: Some(|x| show(x, |settings| settings.user.clone())),
    set: Some(|x| set_text(x, x.profile().ftp.name, |settings| &mut settings.user)),
    examples: &[
        example("AT+FTPUN=luat", "\r\nOK\r\n"),
        example("AT+FTPUN=\"user\"", "\r\nOK\r\n"),
        example("AT+FTPUN=", "\r\nERROR\r\n"),
        example_after(&["AT+FTPUN=luat"], "AT+FTPUN?", "\r\n+FTPUN: luat\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPUN", "FTP user name")
};

pub(super) const FTPPW: Command = Command {
    syntax: &["AT+FTPPW=<password, at most 49>", "AT+FTPPW?", "AT+FTPPW=?"],
    reference: "manual AT+FTPPW",
    evidence: Evidence::Documented,
    remarks: "The query prints it as it is.",
    read: Some(|x| show(x, |settings| settings.password.clone())),
    set: Some(|x| set_text(x, x.profile().ftp.name, |settings| &mut settings.password)),
    examples: &[
        example("AT+FTPPW=123456", "\r\nOK\r\n"),
        example("AT+FTPPW=\"a,b\"", "\r\nOK\r\n"),
        example_after(&["AT+FTPPW=123456"], "AT+FTPPW?", "\r\n+FTPPW: 123456\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPPW", "FTP password")
};

pub(super) const FTPMODE: Command = Command {
    syntax: &["AT+FTPMODE=<mode 0-1>", "AT+FTPMODE?", "AT+FTPMODE=?"],
    reference: "manual AT+FTPMODE",
    evidence: Evidence::Documented,
    remarks: "1 passive, as at power-on; 0 active, which does not work: what needs a data connection ends with error 76 then (assumed).",
    read: Some(|x| show(x, |settings| u8::from(settings.passive))),
    set: Some(|x| {
        let passive = x.args.flag()?;
        change(x, |settings| settings.passive = passive)
    }),
    examples: &[
        example("AT+FTPMODE=1", "\r\nOK\r\n"),
        example("AT+FTPMODE=0", "\r\nOK\r\n"),
        example("AT+FTPMODE=2", "\r\nERROR\r\n"),
        example("AT+FTPMODE?", "\r\n+FTPMODE: 1\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPMODE", "Active or passive FTP")
};

pub(super) const FTPTYPE: Command = Command {
    syntax: &["AT+FTPTYPE=<\"A\"|\"I\">", "AT+FTPTYPE?", "AT+FTPTYPE=?"],
    reference: "manual AT+FTPTYPE",
    evidence: Evidence::Documented,
    remarks: "A text, I bytes as they are. A at power-on: the vendor says that CR and LF are lost until I is set. What A makes of a \
              file is the server's doing; the module changes nothing (assumed).",
    read: Some(|x| show(x, |settings| settings.type_.word())),
    set: Some(|x| {
        let type_ = choice(x, Type::named, "the type is A or I")?;
        change(x, |settings| settings.type_ = type_)
    }),
    examples: &[
        example("AT+FTPTYPE=\"I\"", "\r\nOK\r\n"),
        example("AT+FTPTYPE=a", "\r\nOK\r\n"),
        example("AT+FTPTYPE=\"E\"", "\r\nERROR\r\n"),
        example("AT+FTPTYPE?", "\r\n+FTPTYPE: A\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPTYPE", "Text or bytes")
};

pub(super) const FTPPUTOPT: Command = Command {
    syntax: &["AT+FTPPUTOPT=<\"APPE\"|\"STOU\"|\"STOR\">", "AT+FTPPUTOPT?", "AT+FTPPUTOPT=?"],
    reference: "manual AT+FTPPUTOPT",
    evidence: Evidence::Documented,
    remarks: "APPE appends, STOU gives the file a name of its own, STOR overwrites. STOR at power-on (assumed).",
    read: Some(|x| show(x, |settings| settings.put_option.word())),
    set: Some(|x| {
        let option = choice(x, PutOption::named, "the way is APPE, STOU or STOR")?;
        change(x, |settings| settings.put_option = option)
    }),
    examples: &[
        example("AT+FTPPUTOPT=\"APPE\"", "\r\nOK\r\n"),
        example("AT+FTPPUTOPT=\"DELE\"", "\r\nERROR\r\n"),
        example("AT+FTPPUTOPT?", "\r\n+FTPPUTOPT: STOR\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPPUTOPT", "How an upload treats what is there")
};

pub(super) const FTPREST: Command = Command {
    syntax: &["AT+FTPREST=<offset 0-4294967295>", "AT+FTPREST?", "AT+FTPREST=?"],
    reference: "manual AT+FTPREST",
    evidence: Evidence::Documented,
    remarks: "Where AT+FTPGET=1 begins. It stays until it is set anew; AT+FTPEXTGET and AT+FTPGETTOFS begin at 0 (both assumed).",
    read: Some(|x| show(x, |settings| settings.rest)),
    set: Some(|x| {
        let rest = x.args.number(0..=u32::MAX)?;
        change(x, |settings| settings.rest = u64::from(rest))
    }),
    examples: &[
        example("AT+FTPREST=6", "\r\nOK\r\n"),
        example("AT+FTPREST=-1", "\r\nERROR\r\n"),
        example("AT+FTPREST?", "\r\n+FTPREST: 0\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPREST", "Where a download resumes")
};

pub(super) const FTPGETNAME: Command = Command {
    syntax: &["AT+FTPGETNAME=<file, at most 99>", "AT+FTPGETNAME?", "AT+FTPGETNAME=?"],
    reference: "manual AT+FTPGETNAME",
    evidence: Evidence::Documented,
    remarks: "What is downloaded; also for AT+FTPDELE and AT+FTPSIZE.",
    read: Some(|x| show(x, |settings| settings.get_name.clone())),
    set: Some(|x| set_text(x, x.profile().ftp.file, |settings| &mut settings.get_name)),
    examples: &[
        example("AT+FTPGETNAME=\"1222.txt\"", "\r\nOK\r\n"),
        example_after(
            &["AT+FTPGETNAME=\"1222.txt\""],
            "AT+FTPGETNAME?",
            "\r\n+FTPGETNAME: 1222.txt\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+FTPGETNAME", "File to download")
};

pub(super) const FTPGETPATH: Command = Command {
    syntax: &["AT+FTPGETPATH=<directory, at most 255>", "AT+FTPGETPATH?", "AT+FTPGETPATH=?"],
    reference: "manual AT+FTPGETPATH",
    evidence: Evidence::Documented,
    remarks: "Name and path are put together as they are, so the path ends in `/`; also for AT+FTPLIST, AT+FTPMKD, AT+FTPRMD, \
              AT+FTPDELE and AT+FTPSIZE.",
    read: Some(|x| show(x, |settings| settings.get_path.clone())),
    set: Some(|x| set_text(x, x.profile().ftp.get_path, |settings| &mut settings.get_path)),
    examples: &[
        example("AT+FTPGETPATH=\"/\"", "\r\nOK\r\n"),
        example_after(&["AT+FTPGETPATH=/11/"], "AT+FTPGETPATH?", "\r\n+FTPGETPATH: /11/\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPGETPATH", "Directory to download from")
};

pub(super) const FTPPUTNAME: Command = Command {
    syntax: &["AT+FTPPUTNAME=<file, at most 99>", "AT+FTPPUTNAME?", "AT+FTPPUTNAME=?"],
    reference: "manual AT+FTPPUTNAME",
    evidence: Evidence::Documented,
    remarks: "What an upload is called on the server.",
    read: Some(|x| show(x, |settings| settings.put_name.clone())),
    set: Some(|x| set_text(x, x.profile().ftp.file, |settings| &mut settings.put_name)),
    examples: &[
        example("AT+FTPPUTNAME=\"up.txt\"", "\r\nOK\r\n"),
        example_after(
            &["AT+FTPPUTNAME=\"up.txt\""],
            "AT+FTPPUTNAME?",
            "\r\n+FTPPUTNAME: up.txt\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+FTPPUTNAME", "Name of an upload")
};

pub(super) const FTPPUTPATH: Command = Command {
    syntax: &["AT+FTPPUTPATH=<directory, at most 99>", "AT+FTPPUTPATH?", "AT+FTPPUTPATH=?"],
    reference: "manual AT+FTPPUTPATH",
    evidence: Evidence::Documented,
    remarks: "Put together with the name as AT+FTPGETPATH.",
    read: Some(|x| show(x, |settings| settings.put_path.clone())),
    set: Some(|x| set_text(x, x.profile().ftp.put_path, |settings| &mut settings.put_path)),
    examples: &[
        example("AT+FTPPUTPATH=\"/\"", "\r\nOK\r\n"),
        example_after(&["AT+FTPPUTPATH=/up/"], "AT+FTPPUTPATH?", "\r\n+FTPPUTPATH: /up/\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+FTPPUTPATH", "Directory of an upload")
};

/// The value on a line of its own, behind the command's name.
fn show<V: fmt::Display>(x: &mut Exchange<'_>, value: impl Fn(&Settings) -> V) -> Answer {
    let value = value(&x.module.families.ftp.settings);
    let name = x.command.map_or("", |command| command.name);
    x.info(format_args!("{name}: {value}"));
    Ok(Outcome::Ok)
}

/// Makes a setting what its only parameter, already taken, says.
fn change(x: &mut Exchange<'_>, set: impl FnOnce(&mut Settings)) -> Answer {
    x.args.finish()?;
    set(&mut x.module.families.ftp.settings);
    Ok(Outcome::Ok)
}

fn set_text(x: &mut Exchange<'_>, limit: usize, field: fn(&mut Settings) -> &mut String) -> Answer {
    let text = x.args.text(limit)?;
    check_text(text)?;
    let text = String::from(text);
    change(x, |settings| *field(settings) = text)
}

fn set_server(x: &mut Exchange<'_>) -> Answer {
    let server = x.args.text(x.profile().ftp.name)?;
    if !server.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Fault::error("the server is an IPv4 address or a name, without blanks"));
    }
    let server = String::from(server);
    change(x, |settings| settings.server = server)
}

/// One of several words.
fn choice<T>(x: &mut Exchange<'_>, named: fn(&str) -> Option<T>, otherwise: &'static str) -> Result<T, Fault> {
    named(x.args.text(4)?).ok_or(Fault::error(otherwise))
}

/// Refuses what could begin a command of its own on its way to the server.
pub(super) fn check_text(text: &str) -> Result<(), Fault> {
    match text.chars().any(char::is_control) {
        true => Err(Fault::error("there is a control character in it")),
        false => Ok(()),
    }
}
