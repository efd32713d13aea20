//! From radio on to registered and attached, and back.

use alloc::borrow::Cow;
use alloc::format;

use super::{NetworkTimer, report, resume_attach_waiters, strength, there};
use crate::families::{FamilyTimer, clock, packet, sim};
use crate::io::{Account, Coverage};
use crate::module::Module;

/// Registration as +CREG counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Not registered and not searching.
    Idle = 0,
    /// In the home network.
    Home = 1,
    /// Searching, or waiting for the network's answer.
    Searching = 2,
    /// The network said no.
    Denied = 3,
    /// In another network.
    Roaming = 5,
}

/// The technology, as TS 27.007 counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// GSM: voice and short messages only.
    Gsm = 0,
    /// E-UTRAN.
    Lte = 7,
}

/// What the network gives the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) status: Status,
    /// LTE while not registered.
    pub(super) access: Access,
}

impl Service {
    pub(super) const NONE: Self = Self::on_lte(Status::Idle);

    const fn on_lte(status: Status) -> Self {
        Self { status, access: Access::Lte }
    }
}

/// Who ended the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// The network, or the card.
    Network,
    /// A command.
    Host,
}

/// Whether the module is registered (home or roaming).
pub(crate) fn registered(module: &Module) -> bool {
    matches!(module.families.network.service.status, Status::Home | Status::Roaming)
}

/// The card's state has changed, or the module has come up.
pub(crate) fn conditions_changed(module: &mut Module) {
    reconsider(module, Loss::Network);
}

/// The surroundings have another coverage.
pub(crate) fn coverage_changed(module: &mut Module, coverage: Coverage) {
    module.world.coverage = coverage;
    if module.running {
        reconsider(module, Loss::Network);
    }
}

/// The signal is another.
pub(crate) fn signal_changed(module: &mut Module, rssi: u8) {
    module.world.rssi = rssi;
    if module.running {
        reconsider(module, Loss::Network);
    }
}

/// The network drops the bearer; registration and attach stay.
pub(crate) fn bearer_dropped(module: &mut Module) {
    if module.families.network.attached {
        taken_by_the_network(module);
        packet::bearer_lost(module);
    }
}

/// Reports the default context, if it was up.
fn taken_by_the_network(module: &mut Module) {
    if packet::default_address(module).is_some() {
        let cid = module.setup.profile.default_cid;
        report::event(module, format_args!("NW PDN DEACT {cid}"));
    }
}

/// What keeps the module from being attached, for people: which command shows it, and what to do.
pub(crate) fn cause(module: &Module) -> Option<Cow<'static, str>> {
    let network = &module.families.network;
    let coverage = module.world.coverage;
    Some(Cow::Borrowed(match network.functionality {
        1 if network.selection.deregistered() => {
            "the module is off the network (AT+COPS? shows 2): AT+COPS=0 lets it register"
        }
        1 if there(module) && too_weak(module) => {
            let shown = strength(module).unwrap_or(99);
            let weakest = module.setup.profile.weakest_signal;
            let text = format!(
                "the signal is too weak (AT+CSQ shows {shown}; it takes {weakest} or more): look after antenna and place"
            );
            return Some(Cow::Owned(text));
        }
        1 if coverage == Coverage::Unusable => {
            "the operator's network is none that this radio can use (AT+COPS=? does not list it, AT+CREG? shows 2): use a \
             card of an operator whose bands the module has"
        }
        1 if coverage == Coverage::Searching => {
            "no network is found (AT+CREG? shows 2, AT+CSQ 99): is there coverage, and is the antenna connected?"
        }
        1 if coverage == Coverage::Denied => {
            "the network denies the registration (AT+CREG? shows 3): ask the operator what the card may do"
        }
        1 if !registered(module) => {
            "the module is still registering (AT+CREG? shows 2): wait for 1 or 5, up to two minutes"
        }
        1 if network.attached => return None,
        1 if !network.attach_wanted => "the packet domain is detached (AT+CGATT? shows 0): AT+CGATT=1",
        1 if network.attach_hangs => {
            "the attach hangs (AT+CGATT? shows 0 for more than two minutes): AT+CFUN=4, after 5 s AT+CFUN=1, or restart the \
             module"
        }
        1 => "the network has not let the module attach yet (AT+CGATT? shows 0): wait for 1, up to two minutes",
        _ => "the radio is off (AT+CFUN? shows it): AT+CFUN=1 switches it on",
    }))
}

/// Compares what is with what could be, and sets out for it.
pub(super) fn reconsider(module: &mut Module, loss: Loss) {
    let network = &module.families.network;
    let may = network.functionality == 1 && !network.selection.deregistered() && sim::ready(module);
    let Some(goal) = may.then(|| goal(module)) else {
        return leave(module, Status::Idle, loss);
    };
    // Whatever is under way while searching aims at a service other than the present one.
    if network.pending.unwrap_or(network.service) == goal {
        return;
    }
    leave(module, Status::Searching, loss);
    if goal.status != Status::Searching {
        module.families.network.pending = Some(goal);
        let delay = module.setup.profile.timing.attach;
        module.arm(FamilyTimer::network(NetworkTimer::Register), delay);
    }
}

fn goal(module: &Module) -> Service {
    let status = match module.world.coverage {
        _ if too_weak(module) => Status::Searching,
        Coverage::Home => Status::Home,
        Coverage::Roaming => Status::Roaming,
        Coverage::Searching | Coverage::Unusable => Status::Searching,
        Coverage::Denied => Status::Denied,
    };
    match (status, sim::account(module)) {
        (Status::Home | Status::Roaming, Account::Refused) => Service::on_lte(Status::Denied),
        (Status::Home | Status::Roaming, Account::Arrears) => Service { status, access: Access::Gsm },
        _ => Service::on_lte(status),
    }
}

fn too_weak(module: &Module) -> bool {
    let rssi = module.world.rssi;
    rssi > 31 || rssi < module.setup.profile.weakest_signal
}

/// The network's answer to the registration.
pub(super) fn answered(module: &mut Module) {
    let Some(service) = module.families.network.pending.take() else { return };
    set_service(module, service);
    if !registered(module) {
        return;
    }
    let profile = module.setup.profile;
    let messages = match service.access {
        Access::Lte => profile.service_messages,
        Access::Gsm => profile.gsm_messages,
    };
    for message in messages {
        module.urc_all(format_args!("{message}"));
    }
    clock::registered(module);
    if module.families.network.attach_wanted {
        begin_attach(module, 0);
    }
}

/// Asks the network to attach; `normal` is how long that takes where nothing is wrong.
pub(super) fn begin_attach(module: &mut Module, normal: u64) {
    if module.families.network.attach_hangs {
        return;
    }
    match module.world.attach.take(normal) {
        Some(0) => attach(module),
        Some(millis) => module.arm(FamilyTimer::network(NetworkTimer::Attach), millis),
        None => {
            module.families.network.attach_hangs = true;
            if let Some(cause) = module.first_cause() {
                module.note(None, "attach", cause);
            }
        }
    }
}

/// The network has answered the attach. Where there is GSM only, for want of payment, there is no data.
pub(super) fn attach(module: &mut Module) {
    if module.families.network.service.access == Access::Lte {
        module.families.network.attached = true;
        packet::attached(module);
    }
    resume_attach_waiters(module);
}

/// The packet domain is not attached any more, and whoever waits for it waits in vain.
pub(super) fn detach(module: &mut Module, loss: Loss) {
    module.cancel(FamilyTimer::network(NetworkTimer::Attach));
    if module.families.network.attached {
        if loss == Loss::Network {
            taken_by_the_network(module);
        }
        module.families.network.attached = false;
        report::event(module, format_args!("ME DETACH"));
        packet::bearer_lost(module);
    }
    if loss == Loss::Host {
        resume_attach_waiters(module);
    }
}

fn leave(module: &mut Module, status: Status, loss: Loss) {
    module.families.network.pending = None;
    module.cancel(FamilyTimer::network(NetworkTimer::Register));
    if registered(module) {
        clock::deregistered(module);
        if loss == Loss::Network {
            for message in module.setup.profile.no_service_messages {
                module.urc_all(format_args!("{message}"));
            }
        }
    }
    set_service(module, Service::on_lte(status));
    detach(module, loss);
}

fn set_service(module: &mut Module, service: Service) {
    if module.families.network.service != service {
        module.families.network.service = service;
        report::registration(module);
    }
}
