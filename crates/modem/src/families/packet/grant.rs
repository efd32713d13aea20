//! What the network makes of a bearer: whether it grants one to the APN in use, and where that leads.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use super::{Access, Bearer, access, apn};
use crate::families::sapbr;
use crate::io::Apn;
use crate::module::Module;

/// Whether the network grants the TCP/IP bearer.
pub(super) fn granted(module: &Module) -> bool {
    module.world.bearer && (takes_apn(module, None) || leads_nowhere(&module.world.apn))
}

/// Whether the network lets a context with this APN come up.
pub(crate) fn grants_context(module: &Module, apn: &str) -> bool {
    let known = match &module.world.apn {
        Apn::Private { name, dead_end: false, .. } => apn.is_empty() || name.eq_ignore_ascii_case(apn),
        Apn::Any | Apn::Private { .. } => true,
    };
    module.world.bearer && known
}

/// Whether an AT+SAPBR bearer (1 to 3), or the TCP/IP bearer, leads nowhere though it is up.
pub(crate) fn dead_end(module: &Module, bearer: Option<u8>) -> bool {
    leads_nowhere(&module.world.apn) && !takes_apn(module, bearer)
}

/// What to say of that.
pub(crate) fn dead_end_words(module: &Module, bearer: Option<u8>) -> Cow<'static, str> {
    wrong_apn(module, bearer).unwrap_or(Cow::Borrowed("the bearer leads nowhere"))
}

/// What keeps the bearer down although the module is attached, for people: which command shows it, and what to do.
pub(crate) fn cause(module: &Module) -> Option<Cow<'static, str>> {
    if matches!(module.families.packet.bearer, Bearer::Active | Bearer::Status) {
        return None;
    }
    if !module.world.bearer {
        let text = "the network refuses the bearer (AT+CIICR ends in +PDP: DEACT, AT+CIPSTATUS shows PDP DEACT): ask the \
                    operator whether the card may use data; AT+CIPSHUT and AT+CSTT before the next try";
        return Some(Cow::Borrowed(text));
    }
    if granted(module) { None } else { wrong_apn(module, None) }
}

fn leads_nowhere(apn: &Apn) -> bool {
    matches!(apn, Apn::Private { dead_end: true, .. })
}

/// Whether APN, user name and password are what the network wants.
fn takes_apn(module: &Module, bearer: Option<u8>) -> bool {
    match &module.world.apn {
        Apn::Any => true,
        Apn::Private { name, user, password, .. } => {
            let used = used(module, bearer);
            used.apn.eq_ignore_ascii_case(name) && used.user == *user && used.password == *password
        }
    }
}

/// What the bearer has been told to use; without that what it uses by itself.
fn used(module: &Module, bearer: Option<u8>) -> Access {
    let (told, otherwise): (_, fn(&Module) -> Access) = match bearer {
        None => (access(module), apn::fallback),
        Some(number) => (sapbr::access(module, number), apn::default_access),
    };
    if told.apn.is_empty() { otherwise(module) } else { told }
}

fn wrong_apn(module: &Module, bearer: Option<u8>) -> Option<Cow<'static, str>> {
    let Apn::Private { name, dead_end, .. } = &module.world.apn else { return None };
    let used = used(module, bearer);
    let what = if *dead_end { "gives the bearer no way out" } else { "refuses the bearer" };
    let (shown, cure) = match bearer {
        None => (
            String::from("AT+CSTT? shows"),
            String::from("AT+CIPSHUT, then AT+CSTT=<apn>,<user>,<password>"),
        ),
        Some(number) => (
            format!("AT+SAPBR=4,{number} shows"),
            format!("AT+SAPBR=0,{number}, then AT+SAPBR=3,{number} with APN, USER and PWD"),
        ),
    };
    Some(Cow::Owned(if used.apn.eq_ignore_ascii_case(name) {
        format!(
            "the network {what}: user name or password are wrong for the APN {name} ({shown} them): {cure} with the operator's"
        )
    } else {
        format!(
            "the network {what}: this card belongs to the APN {name}, and {} is in use ({shown} it): {cure} or AT+CPNETAPN \
             with the operator's",
            used.apn
        )
    }))
}
