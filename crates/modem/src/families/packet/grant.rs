//! What the network makes of a bearer: whether it grants one to the APN in use, and where that leads.

use alloc::borrow::Cow;
use alloc::format;

use super::{Access, Bearer, access, apn};
use crate::io::Apn;
use crate::module::Module;

/// Whether the network grants the TCP/IP bearer.
pub(super) fn granted(module: &Module) -> bool {
    module.world.bearer && (takes_apn(module) || leads_nowhere(&module.world.apn))
}

/// Whether the network lets a context with this APN come up.
pub(crate) fn grants_context(module: &Module, apn: &str) -> bool {
    let known = match &module.world.apn {
        Apn::Private { name, dead_end: false, .. } => apn.is_empty() || name.eq_ignore_ascii_case(apn),
        Apn::Any | Apn::Private { .. } => true,
    };
    module.world.bearer && known
}

/// Whether the bearer, though it is up, leads nowhere.
pub(crate) fn dead_end(module: &Module) -> bool {
    leads_nowhere(&module.world.apn) && !takes_apn(module)
}

/// What to say of that.
pub(crate) fn dead_end_words(module: &Module) -> Cow<'static, str> {
    wrong_apn(module).unwrap_or(Cow::Borrowed("the bearer leads nowhere"))
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
    if granted(module) { None } else { wrong_apn(module) }
}

fn leads_nowhere(apn: &Apn) -> bool {
    matches!(apn, Apn::Private { dead_end: true, .. })
}

/// Whether APN, user name and password are what the network wants.
fn takes_apn(module: &Module) -> bool {
    match &module.world.apn {
        Apn::Any => true,
        Apn::Private { name, user, password, .. } => {
            let used = used(module);
            used.apn.eq_ignore_ascii_case(name) && used.user == *user && used.password == *password
        }
    }
}

/// What CSTT said; without it what it would use.
fn used(module: &Module) -> Access {
    let mut used = access(module);
    if used.apn.is_empty() {
        used = apn::fallback(module);
    }
    used
}

fn wrong_apn(module: &Module) -> Option<Cow<'static, str>> {
    let Apn::Private { name, dead_end, .. } = &module.world.apn else { return None };
    let used = used(module);
    let what = if *dead_end { "gives the bearer no way out" } else { "refuses the bearer" };
    Some(Cow::Owned(if used.apn.eq_ignore_ascii_case(name) {
        format!(
            "the network {what}: user name or password are wrong for the APN {name} (AT+CSTT? shows them): AT+CIPSHUT, then \
             AT+CSTT=<apn>,<user>,<password> with the operator's"
        )
    } else {
        format!(
            "the network {what}: this card belongs to the APN {name}, and {} is in use (AT+CSTT? shows it): AT+CIPSHUT, then \
             AT+CSTT=<apn>,<user>,<password> or AT+CPNETAPN with the operator's",
            used.apn
        )
    }))
}
