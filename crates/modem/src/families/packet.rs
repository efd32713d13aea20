//! The packet bearer: contexts (CGDCONT, CGACT, CGPADDR, *GETIP) and the TCP/IP bearer on top of the default one (CSTT,
//! CIICR, CIFSR, CIPSHUT, CIPSTATUS).
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

mod bearer;
mod context;
mod grant;
mod status;

use alloc::string::String;
use alloc::vec::Vec;
use core::net::Ipv4Addr;

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::families::{Family, FamilyTimer, Op, names, network, socket};
use crate::module::Module;
use crate::setup::Setup;
use bearer::Access;
use context::Context;
pub(crate) use grant::{cause, dead_end, dead_end_words};

/// The family's state.
#[derive(Debug)]
pub(crate) struct Packet {
    bearer: Bearer,
    /// What CSTT said last; `None`: nothing yet.
    access: Option<Access>,
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
    ];

    fn new(setup: &Setup) -> Self {
        let contexts = alloc::vec![Context::new(setup.profile.default_cid, setup.profile.apn, true)];
        Self { bearer: Bearer::Initial, access: None, contexts }
    }

    fn resume(x: &mut Exchange<'_>, op: PacketOp, _event: Resume) -> Answer {
        match op {
            PacketOp::BringUp => bearer::brought_up(x),
        }
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

/// Brings the bearer up for a CIPSTART from IP INITIAL, without a word; `socket::bearer_up` or
/// `socket::bearer_lost` follows.
pub(crate) fn cold_start(module: &mut Module) {
    bring_up(module, true);
}

/// The address that the network gave a context: 10.x.y.z, from the set-up's seed.
fn address(setup: &Setup, cid: u8) -> Ipv4Addr {
    let [_, _, _, _, _, x, y, z] = setup.arbitrary(0x1_0000 + u64::from(cid)).to_be_bytes();
    Ipv4Addr::new(10, x, y, 2 + z % 253)
}

fn set_default(module: &mut Module, active: bool) {
    let cid = module.setup.profile.default_cid;
    for context in module.families.packet.contexts.iter_mut().filter(|context| context.cid == cid) {
        context.active = active;
    }
}

/// The default context is down; the TCP/IP bearer on it falls.
fn default_lost(module: &mut Module) {
    match module.families.packet.bearer {
        Bearer::Initial | Bearer::Start | Bearer::Deactivated => {}
        Bearer::Config { .. } => failed(module),
        Bearer::Active | Bearer::Status => {
            module.families.packet.bearer = Bearer::Deactivated;
            module.urc_all(format_args!("+PDP: DEACT"));
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
    given.unwrap_or_else(|| Access { apn: String::new(), user: String::new(), password: String::new() })
}
