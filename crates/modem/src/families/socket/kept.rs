//! CIPSCONT: the TCP/IP settings over a restart.

use alloc::format;
use alloc::string::String;
use at::Args;

use super::transparent::Packing;
use super::{SocketOp, SocketSettings, pull};
use crate::command::{Answer, Command, Evidence, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::packet::{self, Bearer};
use crate::families::Op;
use crate::io::{KeepAlive, Section, StoreRequest};
use crate::module::{Module, setting};

/// Under what this family's settings are kept.
const KEY: &str = "kept.socket.";

pub(super) const CIPSCONT: Command = Command {
    syntax: &["AT+CIPSCONT", "AT+CIPSCONT?", "AT+CIPSCONT=?"],
    reference: "manual AT+CIPSCONT",
    evidence: Evidence::Documented,
    remarks: "Keeps what the query shows, and AT+CIPRXF and AT+CIPTKA (assumed), for every later power-on; OK when it is safe. \
              Nothing connects by itself. AT&W and AT&F leave it alone, AT+RSTSET forgets it. The first line of the query is 0 \
              when something is kept, 1 when not; the others show what is set now (assumed), the APN of AT+CSTT or what it \
              would use. +CIPRDTIMER is always the same.",
    execute: Some(keep),
    read: Some(show),
    examples: &[
        example("AT+CIPSCONT", "\r\nOK\r\n"),
        example(
            "AT+CIPSCONT?",
            "\r\n+CIPSCONT:1\r\n+CIPCSGP:1\r\nGprs Config APN:cmiot\r\nGprs Config UserId:\r\nGprs Config Password:\r\n\
             +CIPHEAD:0\r\n+CIPSHOWTP:0\r\n+CIPSRIP:0\r\n+CIPATS:0,0\r\n+CIPSPRT:1\r\n+CIPQSEND:0\r\n+CIPMODE:0\r\n\
             +CIPCCFG:5,2,1024,0,0,1460,50\r\n+CIPMUX:0\r\n+CIPDPDP:1,10,3\r\n+CIPRXGET:0\r\n+CIPRDTIMER: 2000,3500\r\n\r\nOK\r\n",
        ),
        example_after(&["AT+CIPSCONT"], "AT+CIPSCONT=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+CIPSCONT", "Keep the TCP/IP settings")
};

fn show(x: &mut Exchange<'_>) -> Answer {
    let kept = x.module.keeps(KEY);
    x.info(format_args!("+CIPSCONT:{}", u8::from(!kept)));
    x.info(format_args!("+CIPCSGP:1"));
    let packet::Kept { apn, user, password, watch } = packet::to_keep(x.module);
    x.info(format_args!("Gprs Config APN:{apn}"));
    x.info(format_args!("Gprs Config UserId:{user}"));
    x.info(format_args!("Gprs Config Password:{password}"));
    let settings = x.module.families.socket.settings;
    x.info(format_args!("+CIPHEAD:{}", u8::from(settings.header)));
    x.info(format_args!("+CIPSHOWTP:{}", u8::from(settings.show_transport)));
    x.info(format_args!("+CIPSRIP:{}", u8::from(settings.show_peer)));
    x.info(format_args!("+CIPATS:{},{}", u8::from(settings.auto_send), settings.auto_send_after));
    x.info(format_args!("+CIPSPRT:{}", settings.prompt));
    x.info(format_args!("+CIPQSEND:{}", settings.quick_send));
    x.info(format_args!("+CIPMODE:{}", u8::from(settings.transparent)));
    // BufClean, the eighth, is not among them.
    let packing = format!("{}", settings.packing);
    let seven = packing.rsplit_once(',').map_or(&packing[..], |(seven, _)| seven);
    x.info(format_args!("+CIPCCFG:{seven}"));
    x.info(format_args!("+CIPMUX:{}", u8::from(settings.multi)));
    x.info(format_args!("+CIPDPDP:{watch}"));
    x.info(format_args!("+CIPRXGET:{}", settings.pull));
    x.info(format_args!("+CIPRDTIMER: 2000,3500"));
    Ok(Outcome::Ok)
}

fn keep(x: &mut Exchange<'_>) -> Answer {
    let mut lines = String::new();
    let SocketSettings {
        multi,
        transparent,
        packing,
        quick_send,
        header,
        show_transport,
        show_peer,
        receive_crlf,
        auto_send,
        auto_send_after,
        prompt,
        pull,
        keeps_alive,
        keep_alive: KeepAlive { idle, interval, count },
    } = x.module.families.socket.settings;
    for (key, on) in [
        ("multi", multi),
        ("transparent", transparent),
        ("header", header),
        ("show_transport", show_transport),
        ("show_peer", show_peer),
        ("receive_crlf", receive_crlf),
    ] {
        setting(&mut lines, &format!("{KEY}{key}"), u8::from(on));
    }
    setting(&mut lines, &format!("{KEY}packing"), packing);
    setting(&mut lines, &format!("{KEY}quick_send"), quick_send);
    setting(&mut lines, &format!("{KEY}auto_send"), format_args!("{},{auto_send_after}", u8::from(auto_send)));
    setting(&mut lines, &format!("{KEY}prompt"), prompt);
    setting(&mut lines, &format!("{KEY}pull"), pull);
    let keep_alive = format_args!("{},{idle},{interval},{count}", u8::from(keeps_alive));
    setting(&mut lines, &format!("{KEY}keep_alive"), keep_alive);
    packet::keep(x.module, &mut lines);
    let bytes = x.module.settings_with(|key| key.starts_with(KEY) || packet::is_kept(key), &lines);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::socket(SocketOp::Keep)))
}

/// Takes back one of the kept settings. Outside IP INITIAL (ATZ) some of them could not be set, so none is.
pub(super) fn load(module: &mut Module, key: &str, value: &str) {
    let Some(key) = key.strip_prefix(KEY) else { return };
    if packet::bearer(module) != Bearer::Initial {
        return;
    }
    // What is not understood stays as it is.
    if let Some(settings) = changed(module.families.socket.settings, key, value) {
        let pull = settings.pull;
        module.families.socket.settings = settings;
        pull::change(module, pull);
    }
}

fn changed(mut settings: SocketSettings, key: &str, value: &str) -> Option<SocketSettings> {
    let mut args = Args::new(value.as_bytes());
    match key {
        "multi" => settings.multi = args.flag().ok()?,
        "transparent" => settings.transparent = args.flag().ok()? && !settings.multi,
        "packing" => settings.packing = Packing::default().taken(&mut args).ok()?,
        "quick_send" => settings.quick_send = args.small(0..=2).ok()?,
        "header" => settings.header = args.flag().ok()?,
        "show_transport" => settings.show_transport = args.flag().ok()?,
        "show_peer" => settings.show_peer = args.flag().ok()?,
        "receive_crlf" => settings.receive_crlf = args.flag().ok()?,
        "auto_send" => {
            settings.auto_send = args.flag().ok()?;
            settings.auto_send_after = args.small(0..=100).ok()?;
        }
        "prompt" => settings.prompt = args.small(0..=2).ok()?,
        "pull" => settings.pull = args.small(0..=5).ok().filter(|mode| matches!(mode, 0 | 1 | 5))?,
        "keep_alive" => {
            settings.keeps_alive = args.flag().ok()?;
            settings.keep_alive = KeepAlive {
                idle: args.number(30..=7200).ok()?,
                interval: args.number(30..=600).ok()?,
                count: args.number(1..=9).ok()?,
            };
        }
        _ => return None,
    }
    args.finish().ok()?;
    Some(settings)
}
