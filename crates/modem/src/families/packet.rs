//! The packet bearer: contexts (CGDCONT, CGACT, CGPADDR, *GETIP) and the TCP/IP bearer on top of the default one (CSTT,
//! CIICR, CIFSR, CIPSHUT, CIPSTATUS), and which APN they use (CIPCSGP, CPNETAPN).
//!
//! Reference: the module's manual, chapters "GPRS commands" and "TCP/IP commands" with its state diagrams; TS 27.007 10.1.
//!
//! ```text
//!             CSTT            CIICR              network            CIFSR
//! IP INITIAL ──────► IP START ──────► IP CONFIG ────────► IP GPRSACT ─────► IP STATUS ──► links
//!     ▲  │                                │ ▲                  │                │  ▲
//!     │  └── cold CIPSTART (single mode) ─┼─┘ then IP STATUS   │                │  │
//!     │                                   ▼                    ▼                ▼
//!     └────────────── CIPSHUT ──────── PDP DEACT ◄─── bearer lost, CGATT=0, CGACT=0
//! ```

mod apn;
mod bearer;
mod context;
mod grant;
mod status;

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use crate::command::{Answer, Command, Fault, Outcome, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Op, mqtt, names, network, sapbr, socket};
use crate::module::Module;
use crate::setup::Setup;
pub(crate) use apn::{Kept, is_kept, keep, to_keep};
pub(crate) use bearer::Access;
use context::Context;
pub(crate) use context::activate;
pub(crate) use grant::{cause, dead_end, dead_end_words, grants_context};

/// The family's state.
#[derive(Debug)]
pub(crate) struct Packet {
    bearer: Bearer,
    /// What CSTT said last; `None`: nothing yet.
    access: Option<Access>,
    /// CIPCSGP.
    given: Option<Access>,
    /// CPNETAPN.
    private: Option<apn::Private>,
    /// The default context still has a private APN that was forgotten.
    dropped_private: bool,
    /// CIPDPDP.
    watch: apn::Watch,
    contexts: Vec<Context>,
}

/// Why a bearer did not come up although nothing stands in its way any more.
const NO_BEARER: &str = "the network dropped the bearer while it came up; AT+CIPSHUT and AT+CSTT before the next try";

/// How far the TCP/IP bearer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bearer {
    /// `IP INITIAL`
    Initial,
    /// `IP START`: CSTT was accepted.
    Start,
    /// `IP CONFIG`: waiting for the network.
    Config {
        /// A CIPSTART in single mode brings the bearer up, not CIICR.
        cold: bool,
    },
    /// `IP GPRSACT`: up, the address not asked for yet.
    Active,
    /// `IP STATUS` and everything that links add to it.
    Status,
    /// `PDP DEACT`: lost, or refused; only CIPSHUT leads out.
    Deactivated,
}

/// What an open command of this family waits for.
#[derive(Debug)]
pub(crate) enum PacketOp {
    /// CIICR: until the bearer is up, or is not going to be.
    BringUp,
    /// CPNETAPN: until the store has it.
    KeepPrivate(Option<apn::Private>),
}

/// This family's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PacketTimer {
    /// The network answers the activation.
    Answer,
    /// The module gives up waiting for the network.
    Limit,
}

impl Family for Packet {
    type Op = PacketOp;
    type Timer = PacketTimer;

    const COMMANDS: &'static [Command] = &[
        context::CGDCONT,
        context::CGACT,
        context::CGPADDR,
        context::GETIP,
        bearer::CSTT,
        bearer::CIICR,
        bearer::CIFSR,
        bearer::CIPSHUT,
        status::CIPSTATUS,
        apn::CIPCSGP,
        apn::CPNETAPN,
        apn::CIPDPDP,
    ];

    fn new(setup: &Setup) -> Self {
        let contexts = alloc::vec![Context::new(setup.profile.default_cid, setup.profile.apn)];
        Self {
            bearer: Bearer::Initial,
            access: None,
            given: None,
            private: None,
            dropped_private: false,
            watch: apn::Watch::DEFAULT,
            contexts,
        }
    }

    fn resume(x: &mut Exchange<'_>, op: PacketOp, event: Resume) -> Answer {
        match (op, event) {
            (PacketOp::BringUp, _) => bearer::brought_up(x),
            (PacketOp::KeepPrivate(private), Resume::Store(Ok(_))) => {
                apn::kept(x.module, private);
                Ok(Outcome::Ok)
            }
            (PacketOp::KeepPrivate(_), Resume::Store(Err(error))) => {
                Err(Fault::error(alloc::format!("the APN could not be stored: {error}")))
            }
            (op, _) => Ok(Outcome::Wait(Op::packet(op))),
        }
    }

    fn load(module: &mut Module, key: &str, value: &str) {
        apn::load(module, key, value);
    }

    fn factory(module: &mut Module) {
        let packet = &mut module.families.packet;
        packet.given = None;
        packet.watch = apn::Watch::DEFAULT;
    }

    fn timer(module: &mut Module, timer: PacketTimer) {
        match timer {
            // Detached meanwhile: `attached` goes on, or the limit ends it.
            PacketTimer::Answer if !network::attached(module) => {}
            PacketTimer::Answer if grant::granted(module) => up(module),
            PacketTimer::Answer | PacketTimer::Limit => failed(module),
        }
    }
}

/// The packet domain became attached: the default context is up, a CIICR that waits goes on.
pub(crate) fn attached(module: &mut Module) {
    apn::attached(module);
    let granted = module.world.bearer;
    set_default(module, granted);
    ask_network(module);
}

/// The bearer is gone (network loss, CGATT=0): state PDP DEACT, `+PDP: DEACT`, all links dead.
pub(crate) fn bearer_lost(module: &mut Module) {
    for context in &mut module.families.packet.contexts {
        context.active = false;
    }
    default_lost(module);
}

/// How far the TCP/IP bearer is.
pub(crate) fn bearer(module: &Module) -> Bearer {
    module.families.packet.bearer
}

/// Whether the TCP/IP bearer is up.
pub(crate) fn is_up(module: &Module) -> bool {
    matches!(bearer(module), Bearer::Active | Bearer::Status)
}

/// The address that the default context has, if it is up.
pub(crate) fn default_address(module: &Module) -> Option<Ipv4Addr> {
    let cid = module.setup.profile.default_cid;
    let context = module.families.packet.contexts.iter().find(|context| context.cid == cid)?;
    context::own_address(module, context)
}

/// The default context comes up because an application's bearer needs it.
pub(crate) fn activate_default(module: &mut Module) {
    set_default(module, true);
}

/// Brings the bearer up for a CIPSTART from IP INITIAL, without a word; `socket::bearer_up` or
/// `socket::bearer_lost` follows.
pub(crate) fn cold_start(module: &mut Module) {
    let fallback = apn::fallback(module);
    module.families.packet.access.get_or_insert(fallback);
    bring_up(module, true);
}

/// The address that the network gave a context: 10.x.y.z, from the set-up's seed.
fn address(setup: &Setup, cid: u8) -> Ipv4Addr {
    let [_, _, _, _, _, x, y, z] = setup.arbitrary(0x1_0000 + u64::from(cid)).to_be_bytes();
    Ipv4Addr::new(10, x, y, 2 + z % 253)
}

/// Brings the default context up if it is down and the network grants it.
pub(crate) fn restore_default(module: &mut Module) {
    if module.world.bearer {
        set_default(module, true);
    }
}

fn set_default(module: &mut Module, active: bool) {
    set_active(module, module.setup.profile.default_cid, active);
}

/// A context goes up or down, on the module's own account.
fn set_active(module: &mut Module, cid: u8, active: bool) {
    let context = module.families.packet.contexts.iter_mut().find(|context| context.cid == cid);
    let Some(context) = context.filter(|context| context.active != active) else { return };
    context.active = active;
    let what = if active { "ACT" } else { "DEACT" };
    network::event(module, format_args!("ME PDN {what} {cid}"));
}

/// The default context is down, and everything on it.
fn default_lost(module: &mut Module) {
    let said = !matches!(bearer(module), Bearer::Initial | Bearer::Start | Bearer::Deactivated);
    tcpip_lost(module);
    mqtt::bearer_lost(module, said);
    sapbr::context_lost(module);
}

/// The TCP/IP bearer falls.
fn tcpip_lost(module: &mut Module) {
    match module.families.packet.bearer {
        Bearer::Initial | Bearer::Start | Bearer::Deactivated => {}
        Bearer::Config { .. } => failed(module),
        Bearer::Active | Bearer::Status => {
            module.families.packet.bearer = Bearer::Deactivated;
            socket::deactivated(module);
            let why = module.with_cause("the bearer is lost; AT+CIPSHUT leads out of PDP DEACT");
            module.note(None, "bearer", why);
            socket::bearer_lost(module);
            names::bearer_lost(module);
        }
    }
}

fn bring_up(module: &mut Module, cold: bool) {
    module.families.packet.bearer = Bearer::Config { cold };
    let limit = module.setup.profile.timing.bearer_limit;
    module.arm(FamilyTimer::packet(PacketTimer::Limit), limit);
    ask_network(module);
}

fn ask_network(module: &mut Module) {
    let waiting = matches!(module.families.packet.bearer, Bearer::Config { .. });
    if waiting && network::attached(module) {
        let delay = module.setup.profile.timing.bearer_up;
        module.arm(FamilyTimer::packet(PacketTimer::Answer), delay);
    }
}

fn stop_asking(module: &mut Module) {
    module.cancel(FamilyTimer::packet(PacketTimer::Limit));
    module.cancel(FamilyTimer::packet(PacketTimer::Answer));
}

fn up(module: &mut Module) {
    stop_asking(module);
    set_default(module, true);
    let cold = module.families.packet.bearer == Bearer::Config { cold: true };
    module.families.packet.bearer = if cold { Bearer::Status } else { Bearer::Active };
    if cold {
        socket::bearer_up(module);
    }
    resume_bring_up(module);
}

fn failed(module: &mut Module) {
    stop_asking(module);
    let cold = module.families.packet.bearer == Bearer::Config { cold: true };
    module.families.packet.bearer = Bearer::Deactivated;
    if cold {
        module.urc_all(format_args!("+PDP: DEACT"));
        let why = module.cause_or(NO_BEARER);
        module.note(None, "bearer", why);
        socket::bearer_lost(module);
    }
    resume_bring_up(module);
}

/// Back to IP INITIAL, whatever the state was.
fn shut(module: &mut Module) {
    stop_asking(module);
    module.families.packet.bearer = Bearer::Initial;
    socket::shut(module);
    mqtt::shut(module);
    names::bearer_lost(module);
    resume_bring_up(module);
}

fn resume_bring_up(module: &mut Module) {
    if let Some(line) = module.waiting(|op| matches!(op, Op::packet(PacketOp::BringUp))) {
        module.resume(line, Resume::Event);
    }
}

/// What CSTT said last.
fn access(module: &Module) -> Access {
    let given = module.families.packet.access.clone();
    given.unwrap_or_default()
}
