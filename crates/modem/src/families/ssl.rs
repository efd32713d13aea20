//! TLS: CIPSSL and SSLCFG with its twelve parameters per context.
//!
//! Reference: the module's SSL guide, chapter 2. Everything here is volatile, and read when a connect begins: a context
//! may be set before or after CIPSSL, CIPMUX or CSTT, and a file may be written after it was named. All faults are plain
//! `ERROR`, whatever CMEE says.
//!
//! | keyword | values | unset means |
//! |---|---|---|
//! | `sslversion` | 0 SSL 3.0, 1 TLS 1.0, 2 TLS 1.1, 3 TLS 1.2 (each exactly), 4 all | 4 (assumed) |
//! | `ciphersuite` | one of six, `0XFFFF` all | `0XFFFF` (assumed) |
//! | `cacert`, `clientcert`, `clientkey` | file name | none |
//! | `seclevel` | 0 nobody, 1 the server, 2 the server, and the module if asked | 0 (assumed) |
//! | `hostname` | name | none |
//! | `ignorelocaltime` | 0 dates count, 1 they do not | 0 (assumed) |
//! | `negotiatetimeout` | 10–300 s | 300 (assumed) |
//! | `clientrandom` | 56 or 64 hex digits | random |
//! | `premaster` | 92 or 96 hex digits (assumed) | random |
//! | `verifymode` | 0 root, 1 any certificate in `cacert` is an anchor | 0 (assumed) |

mod context;

pub(crate) use context::request;

use alloc::vec::Vec;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, Never};
use crate::module::Module;
use crate::setup::Setup;
use context::{Context, Keyword};

/// The switch and the contexts.
#[derive(Debug)]
pub(crate) struct Ssl {
    enabled: bool,
    /// Only contexts in which something is set.
    contexts: Vec<(u8, Context)>,
}

impl Family for Ssl {
    type Op = Never;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+CIPSSL=<0-1>", "AT+CIPSSL?", "AT+CIPSSL=?"],
            reference: "SSL guide 2.1",
            evidence: Evidence::Documented,
            remarks: "Default 0 (assumed). Read when a TCP connect begins; an open connection keeps its kind. Does not \
                      concern UDP (assumed).",
            read: Some(read_switch),
            set: Some(set_switch),
            test: Test::Handler(test_switch),
            examples: &[
                example("AT+CIPSSL=1", "\r\nOK\r\n"),
                example("AT+CIPSSL?", "\r\n+CIPSSL: 0\r\n\r\nOK\r\n"),
                example("AT+CIPSSL=?", "\r\n+CIPSSL: (0-1)\r\n\r\nOK\r\n"),
                example("AT+CIPSSL=2", "\r\nERROR\r\n"),
                example("AT+CIPSSL=0,1", "\r\nERROR\r\n"),
            ],
            ..Command::new("+CIPSSL", "TLS for the next TCP connects")
        },
        Command {
            syntax: &[
                "AT+SSLCFG=\"<keyword>\",<context>,<value>   set",
                "AT+SSLCFG=\"<keyword>\",<context>           query",
                "AT+SSLCFG=\"<keyword>\",<context>,          erase",
                "AT+SSLCFG=?",
            ],
            reference: "SSL guide 2.2",
            evidence: Evidence::Documented,
            remarks: "Contexts 0-5 (TCP), 34 (FTP), 88 (MQTT), 153 (HTTP). An omitted context is 0 in single mode, ERROR in \
                      multi mode. Queries print as in the guide, strings quoted, numbers bare, an unset string as \"\", \
                      an unset number as the value in effect (assumed). A file need not exist yet (assumed).",
            read: Some(|x| available(x).map(|()| Outcome::Ok)),
            set: Some(configure),
            test: Test::Handler(|x| available(x).map(|()| Outcome::Ok)),
            examples: &[
                example("AT+SSLCFG=\"sslversion\",0", "\r\n+SSLCFG: \"sslversion\",0,4\r\n\r\nOK\r\n"),
                example("AT+SSLCFG=\"ciphersuite\",0,0X0035", "\r\nOK\r\n"),
                example_after(
                    &["AT+SSLCFG=\"ciphersuite\",88,0x003d"],
                    "AT+SSLCFG=\"ciphersuite\",88",
                    "\r\n+SSLCFG: \"ciphersuite\",88,0X003D\r\n\r\nOK\r\n",
                ),
                example("AT+SSLCFG=\"cacert\",0, \"server.crt\"", "\r\nOK\r\n"),
                example_after(
                    &["AT+SSLCFG=\"clientkey\", 1,\"client.key\""],
                    "AT+SSLCFG=\"clientkey\",1",
                    "\r\n+SSLCFG:\"clientkey\",1,\"client.key\"\r\n\r\nOK\r\n",
                ),
                example_after(
                    &["AT+SSLCFG=\"seclevel\",5,2", "AT+SSLCFG=\"seclevel\",5,"],
                    "AT+SSLCFG=\"seclevel\",5",
                    "\r\n+SSLCFG:\"seclevel\",5,0\r\n\r\nOK\r\n",
                ),
                example("AT+SSLCFG=\"hostname\",153", "\r\n+SSLCFG:\"hostname\",153,\"\"\r\n\r\nOK\r\n"),
                example("AT+SSLCFG=\"negotiatetimeout\",0,9", "\r\nERROR\r\n"),
                example("AT+SSLCFG=\"seclevel\",6,1", "\r\nERROR\r\n"),
                example("AT+SSLCFG=\"sni\",0,\"x\"", "\r\nERROR\r\n"),
                example("AT+SSLCFG=?", "\r\nOK\r\n"),
            ],
            ..Command::new("+SSLCFG", "Parameters of a TLS context")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self { enabled: false, contexts: Vec::new() }
    }

    fn resume(_x: &mut Exchange<'_>, op: Never, _event: Resume) -> Answer {
        match op {}
    }
}

/// Whether the next TCP connect does a handshake (CIPSSL).
pub(crate) fn enabled(module: &Module) -> bool {
    module.families.ssl.enabled
}

/// The contexts in which something is set, rising.
pub(crate) fn in_use(module: &Module) -> Vec<u8> {
    let mut contexts: Vec<u8> = module.families.ssl.contexts.iter().map(|(number, _)| *number).collect();
    contexts.sort_unstable();
    contexts
}

/// Some firmware builds of the family have no SSL; there both commands do not exist.
fn available(x: &Exchange<'_>) -> Result<(), Fault> {
    if x.profile().ssl { Ok(()) } else { Err(Fault::error("this firmware variant has no SSL function (AT+CGMR shows which it is): use one that has it")) }
}

fn read_switch(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    let on = u8::from(x.module.families.ssl.enabled);
    x.info(format_args!("+CIPSSL: {on}"));
    Ok(Outcome::Ok)
}

fn set_switch(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.ssl.enabled = on;
    Ok(Outcome::Ok)
}

fn test_switch(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    x.info(format_args!("+CIPSSL: (0-1)"));
    Ok(Outcome::Ok)
}

fn configure(x: &mut Exchange<'_>) -> Answer {
    available(x)?;
    let typed = x.args.text(32)?;
    let keyword = Keyword::from_text(typed).ok_or_else(|| {
        Fault::error(alloc::format!("`{typed}` is not a keyword; there are {}", Keyword::list()))
    })?;
    let number = match x.args.opt_number(0..=255)? {
        Some(number) => u8::try_from(number).unwrap_or(u8::MAX),
        None if crate::families::socket::multi(x.module) => {
            return Err(Fault::error("with AT+CIPMUX=1 the context has to be given"));
        }
        None => 0,
    };
    if !x.profile().ssl_contexts.contains(&number) {
        return Err(Fault::error("contexts are 0 to 5, 34 (FTP), 88 (MQTT) and 153 (HTTP)"));
    }
    if x.args.left() == 0 {
        return query(x, keyword, number);
    }
    let value = x.args.opt_text(usize::MAX)?;
    x.args.finish()?;
    let profile = x.profile();
    let contexts = &mut x.module.families.ssl.contexts;
    let index = match contexts.iter().position(|(context, _)| *context == number) {
        Some(index) => index,
        None => {
            contexts.push((number, Context::default()));
            contexts.len() - 1
        }
    };
    let context = &mut contexts[index].1;
    match value {
        None => context.erase(keyword),
        Some(value) => context.set(keyword, value, profile).map_err(Fault::error)?,
    }
    Ok(Outcome::Ok)
}

fn query(x: &mut Exchange<'_>, keyword: Keyword, number: u8) -> Answer {
    let unset = Context::default();
    let contexts = &x.module.families.ssl.contexts;
    let context =
        contexts.iter().find(|(context, _)| *context == number).map_or(&unset, |(_, context)| context);
    let value = context.value(keyword);
    let misprints = x.profile().sslcfg_misprints;
    let name = keyword.text();
    match keyword {
        Keyword::CipherSuite if misprints => x.info(format_args!("+SSLCFG: {name}\",{number},{value}")),
        Keyword::VerifyMode if misprints => x.info(format_args!("+SSLCFG:\" {name}\",{number},{value}")),
        Keyword::SslVersion | Keyword::CipherSuite => {
            x.info(format_args!("+SSLCFG: \"{name}\",{number},{value}"));
        }
        _ => x.info(format_args!("+SSLCFG:\"{name}\",{number},{value}")),
    }
    Ok(Outcome::Ok)
}
