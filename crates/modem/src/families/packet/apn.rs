//! CIPCSGP, CPNETAPN: which APN is used when nobody names one; CIPDPDP.

use alloc::string::String;
use at::{ArgError, Args};
use core::fmt;

use super::bearer::Access;
use super::{Packet, PacketOp};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::io::{Section, StoreRequest};
use crate::module::{Module, setting};

/// Under what the private APN is kept.
const KEY: &str = "kept.packet.private.";

/// Under what CIPSCONT keeps this family's settings.
const KEPT: &str = "kept.packet.access.";
const KEPT_WATCH: &str = "kept.packet.watch";

/// What of this family CIPSCONT keeps and shows.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) apn: String,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) watch: Watch,
}

/// A private APN (CPNETAPN).
#[derive(Clone, Debug)]
pub(crate) struct Private {
    access: Access,
    /// 0 none, 1 PAP, 2 CHAP.
    authentication: u8,
}

/// What CIPDPDP says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    on: bool,
    interval: u8,
    times: u8,
}

impl Watch {
    pub(super) const DEFAULT: Self = Self { on: true, interval: 10, times: 3 };

    /// The parameters of CIPDPDP; those at the end may be left out.
    fn taken(mut self, args: &mut Args<'_>) -> Result<Self, ArgError> {
        self.on = args.flag()?;
        if let Some(interval) = args.opt_number(1..=180)? {
            self.interval = u8::try_from(interval).unwrap_or(u8::MAX);
        }
        if let Some(times) = args.opt_number(1..=10)? {
            self.times = u8::try_from(times).unwrap_or(u8::MAX);
        }
        args.finish()?;
        Ok(self)
    }
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", u8::from(self.on), self.interval, self.times)
    }
}

pub(super) const CIPCSGP: Command = Command {
    syntax: &["AT+CIPCSGP=1[,<apn>[,<user>[,<password>]]]", "AT+CIPCSGP?", "AT+CIPCSGP=?"],
    reference: "manual AT+CIPCSGP",
    evidence: Evidence::Documented,
    remarks: "What AT+CSTT without an APN, and AT+CIPSTART from IP INITIAL, use; without an APN here it is the network's \
              again. Accepted in every state, for the next AT+CSTT (assumed). Circuit-switched calls (0, and 2 in the \
              manual's table) are ERROR (assumed). The test form's words are those of an older family (assumed).",
    read: Some(read_given),
    set: Some(set_given),
    test: Test::Handler(|x| {
        x.info(format_args!("+CIPCSGP:0-CSD,DIALNUMBER,USER NAME,PASSWORD,RATE(0-3)"));
        x.info(format_args!("+CIPCSGP:1-GPRS,APN,USER NAME,PASSWORD"));
        Ok(Outcome::Ok)
    }),
    examples: &[
        example("AT+CIPCSGP=1", "\r\nOK\r\n"),
        example("AT+CIPCSGP?", "\r\n+CIPCSGP: 1, cmiot, , \r\n\r\nOK\r\n"),
        example_after(
            &["AT+CIPCSGP=1,cmnet,me,secret"],
            "AT+CIPCSGP?",
            "\r\n+CIPCSGP: 1, cmnet, me, secret\r\n\r\nOK\r\n",
        ),
        example_after(
            &["AT+CIPCSGP=1,\"cmnet\"", "AT+CSTT"],
            "AT+CSTT?",
            "\r\n+CSTT: \"cmnet\",\"\",\"\"\r\n\r\nOK\r\n",
        ),
        example("AT+CIPCSGP=0,\"10086\"", "\r\nERROR\r\n"),
        example(
            "AT+CIPCSGP=?",
            "\r\n+CIPCSGP:0-CSD,DIALNUMBER,USER NAME,PASSWORD,RATE(0-3)\r\n\
             +CIPCSGP:1-GPRS,APN,USER NAME,PASSWORD\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CIPCSGP", "The APN for when nobody names one")
};

pub(super) const CPNETAPN: Command = Command {
    syntax: &[
        "AT+CPNETAPN=2,<apn>[,<user>[,<password>[,<authentication 0-2>]]]",
        "AT+CPNETAPN=3   forgets it",
        "AT+CPNETAPN?",
        "AT+CPNETAPN=?",
    ],
    reference: "manual AT+CPNETAPN",
    evidence: Evidence::Documented,
    remarks: "A private APN, kept without AT&W over restarts: from the next attach on the APN of the default context, and so \
              what AT+CSTT without an APN uses (assumed). What may be left out, the default authentication of 0, mode 3 in \
              the query when there is none, and the end of the test form are assumed.",
    read: Some(read_private),
    set: Some(set_private),
    test: Test::Text("+CPNETAPN:setmode=[2,3],\"apn\",\"user\",\"password\",authmode=[0,1,2]"),
    examples: &[
        example("AT+CPNETAPN=2,\"private.example\",\"me\",\"secret\",1", "\r\nOK\r\n"),
        example("AT+CPNETAPN=3", "\r\nOK\r\n"),
        example_after(
            &["AT+CPNETAPN=2,\"private.example\",\"me\",\"secret\",1"],
            "AT+CPNETAPN?",
            "\r\nMODE:2\r\nAPN:private.example\r\nUSR:me\r\nPWD:secret\r\nAUTHMODE:1\r\n\r\nOK\r\n",
        ),
        example("AT+CPNETAPN=1,\"a\"", "\r\nERROR\r\n"),
        example("AT+CPNETAPN=2,\"a\",\"\",\"\",3", "\r\nERROR\r\n"),
        example(
            "AT+CPNETAPN=?",
            "\r\n+CPNETAPN:setmode=[2,3],\"apn\",\"user\",\"password\",authmode=[0,1,2]\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CPNETAPN", "A private APN")
};

pub(super) const CIPDPDP: Command = Command {
    syntax: &["AT+CIPDPDP=<0,1>[,<interval 1-180>,<times 1-10>]   defaults 1, 10, 3", "AT+CIPDPDP?", "AT+CIPDPDP=?"],
    reference: "manual AT+CIPSCONT (name only); older families' AT+CIPDPDP",
    evidence: Evidence::Assumed,
    remarks: "Whether and how often the module looks whether its bearer is still there. Shown, and kept by AT+CIPSCONT; the twin knows of a lost \
              bearer at once in any case. Off and on at power-on, the ranges and defaults are those of an older family.",
    read: Some(read_watch),
    set: Some(set_watch),
    test: Test::Text("+CIPDPDP: (0,1),(1-180),(1-10)"),
    examples: &[
        example("AT+CIPDPDP=1,20,5", "\r\nOK\r\n"),
        example("AT+CIPDPDP?", "\r\n+CIPDPDP: 1,10,3\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPDPDP=0"], "AT+CIPDPDP?", "\r\n+CIPDPDP: 0,10,3\r\n\r\nOK\r\n"),
        example("AT+CIPDPDP=1,181,3", "\r\nERROR\r\n"),
        example("AT+CIPDPDP=?", "\r\n+CIPDPDP: (0,1),(1-180),(1-10)\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CIPDPDP", "How the bearer is watched")
};

/// APN, user name and password from the parameters; no control characters, so that each fits a line.
pub(super) fn typed_access(x: &mut Exchange<'_>) -> Result<Access, Fault> {
    let limits = x.profile().name_limits;
    let apn = x.args.opt_text(limits.apn)?.unwrap_or_default();
    let user = x.args.opt_text(limits.user)?.unwrap_or_default();
    let password = x.args.opt_text(limits.password)?.unwrap_or_default();
    if [apn, user, password].iter().any(|text| text.contains(char::is_control)) {
        return Err(Fault::error("APN, user name and password have no control characters"));
    }
    Ok(Access { apn: apn.into(), user: user.into(), password: password.into() })
}

/// What CSTT uses when it is not told: what CIPCSGP said, else the private APN's, else the default context's APN.
pub(super) fn fallback(module: &Module) -> Access {
    let packet = &module.families.packet;
    if let Some(given) = packet.given.as_ref().filter(|given| !given.apn.is_empty()) {
        return given.clone();
    }
    default_access(module)
}

/// The private APN's, if the default context has it, else the default context's own.
pub(super) fn default_access(module: &Module) -> Access {
    let apn = default_apn(module);
    match &module.families.packet.private {
        Some(private) if private.access.apn == apn => private.access.clone(),
        _ => Access { apn, user: String::new(), password: String::new() },
    }
}

fn default_apn(module: &Module) -> String {
    let profile = module.setup.profile;
    let context = module.families.packet.contexts.iter().find(|context| context.cid == profile.default_cid);
    context.map(|context| &context.apn).filter(|apn| !apn.is_empty()).map_or_else(|| profile.apn.into(), Clone::clone)
}

/// The module attaches: the default context takes the private APN, if there is one.
pub(super) fn attached(module: &mut Module) {
    let cid = module.setup.profile.default_cid;
    let Packet { contexts, private, dropped_private, .. } = &mut module.families.packet;
    let apn = match private {
        Some(private) => private.access.apn.clone(),
        None if *dropped_private => module.setup.profile.apn.into(),
        None => return,
    };
    *dropped_private = false;
    if let Some(context) = contexts.iter_mut().find(|context| context.cid == cid) {
        context.apn = apn;
    }
}

fn read_given(x: &mut Exchange<'_>) -> Answer {
    let Access { apn, user, password } = fallback(x.module);
    x.info(format_args!("+CIPCSGP: 1, {apn}, {user}, {password}"));
    Ok(Outcome::Ok)
}

fn set_given(x: &mut Exchange<'_>) -> Answer {
    if x.args.small(0..=2)? != 1 {
        return Err(Fault::error("there are no circuit-switched calls on this module; the mode is 1"));
    }
    let given = typed_access(x)?;
    x.args.finish()?;
    x.module.families.packet.given = Some(given);
    Ok(Outcome::Ok)
}

fn read_private(x: &mut Exchange<'_>) -> Answer {
    let private = x.module.families.packet.private.clone();
    let mode = if private.is_some() { 2 } else { 3 };
    let Private { access: Access { apn, user, password }, authentication } = private.unwrap_or_else(|| {
        Private { access: Access::default(), authentication: 0 }
    });
    x.info(format_args!("MODE:{mode}"));
    x.info(format_args!("APN:{apn}"));
    x.info(format_args!("USR:{user}"));
    x.info(format_args!("PWD:{password}"));
    x.info(format_args!("AUTHMODE:{authentication}"));
    Ok(Outcome::Ok)
}

fn set_private(x: &mut Exchange<'_>) -> Answer {
    let private = if x.args.small(2..=3)? == 3 {
        None
    } else {
        let access = typed_access(x)?;
        if access.apn.is_empty() {
            return Err(Fault::error("the APN is missing; AT+CPNETAPN=3 forgets the private one"));
        }
        let authentication = x.args.opt_number(0..=2)?.unwrap_or(0);
        Some(Private { access, authentication: u8::try_from(authentication).unwrap_or(0) })
    };
    x.args.finish()?;
    let mut lines = String::new();
    if let Some(Private { access, authentication }) = &private {
        for (key, value) in [("apn", &access.apn), ("user", &access.user), ("password", &access.password)] {
            setting(&mut lines, &alloc::format!("{KEY}{key}"), value);
        }
        setting(&mut lines, &alloc::format!("{KEY}authentication"), authentication);
    }
    let bytes = x.module.settings_with(|key| key.starts_with(KEY), &lines);
    let request = StoreRequest::Persist { section: Section::Settings, bytes };
    Ok(Outcome::Store(request, Op::packet(PacketOp::KeepPrivate(private))))
}

/// The store has the private APN.
pub(super) fn kept(module: &mut Module, private: Option<Private>) {
    let packet = &mut module.families.packet;
    packet.dropped_private = private.is_none() && packet.private.is_some();
    packet.private = private;
}

/// What CIPSCONT keeps and shows: what CSTT said last, or would use, and CIPDPDP.
pub(crate) fn to_keep(module: &Module) -> Kept {
    let packet = &module.families.packet;
    let Access { apn, user, password } = packet.access.clone().unwrap_or_else(|| fallback(module));
    Kept { apn, user, password, watch: packet.watch }
}

/// Writes that as settings: the APN only if it was given.
pub(crate) fn keep(module: &Module, lines: &mut String) {
    let packet = &module.families.packet;
    // The network's own APN is not kept: another card or network may have another one.
    if let Some(Access { apn, user, password }) = packet.access.as_ref().or(packet.given.as_ref()) {
        for (key, value) in [("apn", apn), ("user", user), ("password", password)] {
            setting(lines, &alloc::format!("{KEPT}{key}"), value);
        }
    }
    setting(lines, KEPT_WATCH, packet.watch);
}

/// Whether CIPSCONT keeps this setting of this family.
pub(crate) fn is_kept(key: &str) -> bool {
    key.starts_with(KEPT) || key == KEPT_WATCH
}

/// Takes back what is kept.
pub(super) fn load(module: &mut Module, key: &str, value: &str) {
    if key == KEPT_WATCH {
        if let Ok(watch) = Watch::DEFAULT.taken(&mut Args::new(value.as_bytes())) {
            module.families.packet.watch = watch;
        }
        return;
    }
    if let Some(key) = key.strip_prefix(KEPT) {
        let given = module.families.packet.given.get_or_insert_with(Access::default);
        match key {
            "apn" => given.apn = value.into(),
            "user" => given.user = value.into(),
            "password" => given.password = value.into(),
            _ => {}
        }
        return;
    }
    let Some(key) = key.strip_prefix(KEY) else { return };
    let private = module.families.packet.private.get_or_insert_with(|| Private {
        access: Access::default(),
        authentication: 0,
    });
    match key {
        "apn" => private.access.apn = value.into(),
        "user" => private.access.user = value.into(),
        "password" => private.access.password = value.into(),
        "authentication" => private.authentication = value.parse().ok().filter(|n| *n <= 2).unwrap_or(0),
        _ => {}
    }
}

fn read_watch(x: &mut Exchange<'_>) -> Answer {
    let watch = x.module.families.packet.watch;
    x.info(format_args!("+CIPDPDP: {watch}"));
    Ok(Outcome::Ok)
}

fn set_watch(x: &mut Exchange<'_>) -> Answer {
    let last = x.module.families.packet.watch;
    x.module.families.packet.watch = last.taken(&mut x.args)?;
    Ok(Outcome::Ok)
}
