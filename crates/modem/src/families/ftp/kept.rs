//! FTPSCONT: the FTP settings over a restart.

use alloc::format;
use alloc::string::String;
use at::Args;

use super::FtpOp;
use super::set::check_text;
use super::settings::{PutOption, Security, Settings, Type};
use crate::command::{Answer, Command, Evidence, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{Section, StoreRequest};
use crate::module::{Module, setting};
use crate::profile::Profile;

/// Under what this family's settings are kept.
const KEY: &str = "kept.ftp.";

pub(super) const FTPSCONT: Command = Command {
    syntax: &["AT+FTPSCONT", "AT+FTPSCONT?", "AT+FTPSCONT=?"],
    reference: "manual AT+FTPSCONT",
    evidence: Evidence::Documented,
    remarks: "Keeps what the query shows, and AT+FTPSSL (assumed), for every later power-on; OK when it is safe. AT&W and AT&F leave it \
              alone, ATZ takes it back (assumed). The first line of the query is 0 when something is kept, 1 when not; the others \
              show what is set now (assumed). FTPTIMEOUT has no command of its own: how long the server may take to answer, in \
              seconds (assumed).",
    execute: Some(keep),
    read: Some(show),
    examples: &[
        example("AT+FTPSCONT", "\r\nOK\r\n"),
        example(
            "AT+FTPSCONT?",
            "\r\n+FTPSCONT: 1\r\n+FTPSERV: \r\n+FTPPORT: 21\r\n+FTPUN: \r\n+FTPPW: \r\n+FTPCID: 1\r\n+FTPMODE: 1\r\n+FTPTYPE: A\r\n\
             +FTPPUTOPT: STOR\r\n+FTPREST: 0\r\n+FTPGETNAME: \r\n+FTPGETPATH: \r\n+FTPPUTNAME: \r\n+FTPPUTPATH: \r\n\
             +FTPTIMEOUT: 75\r\n\r\nOK\r\n",
        ),
        example_after(&["AT+FTPSCONT"], "AT+FTPSCONT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPSCONT", "Keep the FTP settings")
};

fn show(x: &mut Exchange<'_>) -> Answer {
    let kept = x.module.keeps(KEY);
    let settings = &x.module.families.ftp.settings;
    x.reply.info(format_args!("+FTPSCONT: {}", u8::from(!kept)));
    x.reply.info(format_args!("+FTPSERV: {}", settings.server));
    x.reply.info(format_args!("+FTPPORT: {}", settings.port));
    x.reply.info(format_args!("+FTPUN: {}", settings.user));
    x.reply.info(format_args!("+FTPPW: {}", settings.password));
    x.reply.info(format_args!("+FTPCID: {}", settings.cid));
    x.reply.info(format_args!("+FTPMODE: {}", u8::from(settings.passive)));
    x.reply.info(format_args!("+FTPTYPE: {}", settings.type_.word()));
    x.reply.info(format_args!("+FTPPUTOPT: {}", settings.put_option.word()));
    x.reply.info(format_args!("+FTPREST: {}", settings.rest));
    x.reply.info(format_args!("+FTPGETNAME: {}", settings.get_name));
    x.reply.info(format_args!("+FTPGETPATH: {}", settings.get_path));
    x.reply.info(format_args!("+FTPPUTNAME: {}", settings.put_name));
    x.reply.info(format_args!("+FTPPUTPATH: {}", settings.put_path));
    x.reply.info(format_args!("+FTPTIMEOUT: {}", settings.timeout));
    Ok(Outcome::Ok)
}

fn keep(x: &mut Exchange<'_>) -> Answer {
    let mut lines = String::new();
    let Settings {
        cid,
        server,
        port,
        user,
        password,
        passive,
        type_,
        put_option,
        rest,
        get_name,
        get_path,
        put_name,
        put_path,
        // Nothing sets it.
        timeout: _,
        security,
    } = &x.module.families.ftp.settings;
    setting(&mut lines, &format!("{KEY}cid"), cid);
    setting(&mut lines, &format!("{KEY}port"), port);
    setting(&mut lines, &format!("{KEY}passive"), u8::from(*passive));
    setting(&mut lines, &format!("{KEY}type"), type_.word());
    setting(&mut lines, &format!("{KEY}put_option"), put_option.word());
    setting(&mut lines, &format!("{KEY}rest"), rest);
    setting(&mut lines, &format!("{KEY}security"), *security as u8);
    for (key, text) in [
        ("server", server),
        ("user", user),
        ("password", password),
        ("get_name", get_name),
        ("get_path", get_path),
        ("put_name", put_name),
        ("put_path", put_path),
    ] {
        setting(&mut lines, &format!("{KEY}{key}"), text);
    }
    let bytes = x.module.settings_with(|key| key.starts_with(KEY), &lines);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::ftp(FtpOp::Keep)))
}

/// Takes back one of the kept settings. What is not understood stays as it is.
pub(super) fn load(module: &mut Module, key: &str, value: &str) {
    let Some(key) = key.strip_prefix(KEY) else { return };
    let profile = module.setup.profile;
    let _ = take(&mut module.families.ftp.settings, profile, key, value);
}

fn take(settings: &mut Settings, profile: &Profile, key: &str, value: &str) -> Option<()> {
    let limits = &profile.ftp;
    let (text, limit) = match key {
        "server" => (&mut settings.server, limits.name),
        "user" => (&mut settings.user, limits.name),
        "password" => (&mut settings.password, limits.name),
        "get_name" => (&mut settings.get_name, limits.file),
        "get_path" => (&mut settings.get_path, limits.get_path),
        "put_name" => (&mut settings.put_name, limits.file),
        "put_path" => (&mut settings.put_path, limits.put_path),
        _ => return take_choice(settings, key, value),
    };
    if value.len() <= limit && check_text(value).is_ok() {
        *text = value.into();
    }
    Some(())
}

fn take_choice(settings: &mut Settings, key: &str, value: &str) -> Option<()> {
    let mut args = Args::new(value.as_bytes());
    match key {
        "cid" => settings.cid = args.small(1..=3).ok()?,
        "port" => settings.port = u16::try_from(args.number(1..=65535).ok()?).ok()?,
        "passive" => settings.passive = args.flag().ok()?,
        "type" => settings.type_ = Type::named(value)?,
        "put_option" => settings.put_option = PutOption::named(value)?,
        "rest" => settings.rest = args.number(0..=u32::MAX).ok()?.into(),
        "security" => {
            settings.security = match args.small(0..=2).ok()? {
                0 => Security::Plain,
                1 => Security::Implicit,
                _ => Security::Explicit,
            }
        }
        _ => {}
    }
    Some(())
}
