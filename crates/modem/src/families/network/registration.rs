//! From radio on to registered and attached, and back.

use super::{NetworkTimer, report, resume_attach_waiters};
use crate::families::{FamilyTimer, clock, packet, sim};
use crate::io::Coverage;
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
    matches!(module.families.network.status, Status::Home | Status::Roaming)
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

/// The network drops the bearer; registration and attach stay.
pub(crate) fn bearer_dropped(module: &mut Module) {
    if module.families.network.attached {
        let cid = module.setup.profile.default_cid;
        report::event(module, format_args!("NW PDN DEACT {cid}"));
        packet::bearer_lost(module);
    }
}

/// Compares what is with what could be, and sets out for it.
pub(super) fn reconsider(module: &mut Module, loss: Loss) {
    let network = &module.families.network;
    let may = network.functionality == 1 && !network.selection.deregistered() && sim::ready(module);
    let Some(goal) = may.then_some(goal(module.world.coverage)) else {
        return leave(module, Status::Idle, loss);
    };
    // Whatever is under way while searching aims at a status other than the present one.
    if network.pending.unwrap_or(network.status) == goal {
        return;
    }
    leave(module, Status::Searching, loss);
    if goal != Status::Searching {
        module.families.network.pending = Some(goal);
        let delay = module.setup.profile.timing.attach;
        module.arm(FamilyTimer::network(NetworkTimer::Register), delay);
    }
}

fn goal(coverage: Coverage) -> Status {
    match coverage {
        Coverage::Home => Status::Home,
        Coverage::Roaming => Status::Roaming,
        Coverage::Searching => Status::Searching,
        Coverage::Denied => Status::Denied,
    }
}

/// The network's answer to the registration.
pub(super) fn answered(module: &mut Module) {
    let Some(status) = module.families.network.pending.take() else { return };
    set_status(module, status);
    if !registered(module) {
        return;
    }
    for message in module.setup.profile.service_messages {
        module.urc_all(format_args!("{message}"));
    }
    clock::registered(module);
    if module.families.network.attach_wanted {
        attach(module);
    }
}

/// The packet domain is attached now.
pub(super) fn attach(module: &mut Module) {
    module.families.network.attached = true;
    if module.world.bearer {
        let cid = module.setup.profile.default_cid;
        report::event(module, format_args!("ME PDN ACT {cid}"));
    }
    packet::attached(module);
    resume_attach_waiters(module);
}

/// The packet domain is not attached any more, and whoever waits for it waits in vain.
pub(super) fn detach(module: &mut Module, loss: Loss) {
    module.cancel(FamilyTimer::network(NetworkTimer::Attach));
    if module.families.network.attached {
        module.families.network.attached = false;
        if loss == Loss::Network {
            let cid = module.setup.profile.default_cid;
            report::event(module, format_args!("NW PDN DEACT {cid}"));
        }
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
    set_status(module, status);
    detach(module, loss);
}

fn set_status(module: &mut Module, status: Status) {
    if module.families.network.status != status {
        module.families.network.status = status;
        report::registration(module);
    }
}
