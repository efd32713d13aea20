//! The command families, in the order of the manual's chapters. A new one is a file and a word in the list below.

use alloc::string::String;
use core::fmt::Debug;

use crate::command::{Answer, Command, Resume};
use crate::exchange::Exchange;
use crate::io::{
    ConnId, LineId, LinkEvent, QueryFailure, QueryId, QueryReply, StoreError, StoreReply, Ticket,
};
use crate::module::Module;
use crate::setup::Setup;

/// A family: its records, its state (the implementing type, made anew at every power-on) and its hooks.
pub(crate) trait Family: Debug + Sized {
    /// What an open command of this family is in the middle of. Plain data.
    type Op: Debug;
    /// This family's timers.
    type Timer: Copy + Debug + PartialEq + Eq;

    /// The family's commands, in the manual's order.
    const COMMANDS: &'static [Command];

    /// The state at power-on.
    fn new(setup: &Setup) -> Self;

    /// Called once at power-on, when every family's state is there.
    fn power_on(_module: &mut Module) {}

    /// An open command goes on.
    fn resume(x: &mut Exchange<'_>, op: Self::Op, event: Resume) -> Answer;

    /// A timer of this family is due.
    fn timer(_module: &mut Module, _timer: Self::Timer) {}

    /// A question that no open command waits for has its answer. Every family is told; it knows its own questions.
    fn answered(_module: &mut Module, _query: QueryId, _result: Result<QueryReply, QueryFailure>) {}

    /// A request to the store that no open command waits for has its answer. Every family is told; it knows its own requests.
    fn stored(_module: &mut Module, _ticket: Ticket, _result: Result<StoreReply, StoreError>) {}

    /// Something happened to a connection. Every family is told; it knows its own connections.
    fn linked(_module: &mut Module, _conn: ConnId, _event: LinkEvent<'_>) {}

    /// How many connections it has open or on their way.
    fn connections(&self) -> usize {
        0
    }

    /// A line took bytes: connections whose data go there may be read again.
    fn drained(_module: &mut Module) {}

    /// The module goes down: connections are dropped without a word.
    fn halt(_module: &mut Module) {}

    /// Writes what AT&W on `line` keeps, as `key=value` lines; keys begin with the family's name and a dot.
    fn save(_module: &Module, _line: LineId, _settings: &mut String) {}

    /// Takes back one such line at power-on; a key of another family, or one that is not understood, is ignored.
    fn load(_module: &mut Module, _key: &str, _value: &str) {}

    /// AT&F: back to factory values, in memory.
    fn factory(_module: &mut Module) {}
}

/// No open commands, or no timers: a family without them uses this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Never {}

macro_rules! families {
    ($($module:ident :: $state:ident),+ $(,)?) => {
        $(pub(crate) mod $module;)+

        /// Every family's state.
        #[derive(Debug)]
        #[allow(dead_code, reason = "some families keep nothing, and are listed all the same")]
        pub(crate) struct Families {
            $(pub(crate) $module: $module::$state,)+
        }

        impl Families {
            pub(crate) fn new(setup: &Setup) -> Self {
                Self { $($module: <$module::$state as Family>::new(setup),)+ }
            }
        }

        /// An open command of any family.
        #[derive(Debug)]
        #[allow(non_camel_case_types, reason = "variants are the module names")]
        #[allow(dead_code, reason = "a family whose type is `Never` has no value of its variant")]
        pub(crate) enum Op {
            $($module(<$module::$state as Family>::Op),)+
        }

        /// A timer of any family.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(non_camel_case_types, reason = "variants are the module names")]
        #[allow(dead_code, reason = "a family whose type is `Never` has no value of its variant")]
        pub(crate) enum FamilyTimer {
            $($module(<$module::$state as Family>::Timer),)+
        }

        const ALL: &[(&str, &[Command])] = &[
            $((stringify!($module), <$module::$state as Family>::COMMANDS),)+
        ];

        pub(crate) fn resume(x: &mut Exchange<'_>, op: Op, event: Resume) -> Answer {
            match op {
                $(Op::$module(op) => <$module::$state as Family>::resume(x, op, event),)+
            }
        }

        pub(crate) fn timer(module: &mut Module, timer: FamilyTimer) {
            match timer {
                $(FamilyTimer::$module(timer) => <$module::$state as Family>::timer(module, timer),)+
            }
        }

        pub(crate) fn answered(
            module: &mut Module,
            query: QueryId,
            result: Result<QueryReply, QueryFailure>,
        ) {
            $(<$module::$state as Family>::answered(module, query, result);)+
        }

        pub(crate) fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
            $(<$module::$state as Family>::stored(module, ticket, result.clone());)+
        }

        /// Something happened to a connection.
        pub(crate) fn linked(module: &mut Module, conn: ConnId, event: LinkEvent<'_>) {
            $(<$module::$state as Family>::linked(module, conn, event.clone());)+
        }

        /// How many connections are open or on their way, whoever opened them.
        pub(crate) fn connections(module: &Module) -> usize {
            0 $(+ module.families.$module.connections())+
        }

        pub(crate) fn drained(module: &mut Module) {
            $(<$module::$state as Family>::drained(module);)+
        }

        pub(crate) fn halt(module: &mut Module) {
            $(<$module::$state as Family>::halt(module);)+
        }

        pub(crate) fn power_on(module: &mut Module) {
            $(<$module::$state as Family>::power_on(module);)+
        }

        pub(crate) fn save(module: &Module, line: LineId, settings: &mut String) {
            $(<$module::$state as Family>::save(module, line, settings);)+
        }

        pub(crate) fn load(module: &mut Module, key: &str, value: &str) {
            $(<$module::$state as Family>::load(module, key, value);)+
        }

        pub(crate) fn factory(module: &mut Module) {
            $(<$module::$state as Family>::factory(module);)+
        }
    };
}

families! {
    basic::Basic,
    registers::Registers,
    serial::Serial,
    call::Call,
    identity::Identity,
    sim::Sim,
    network::Network,
    clock::Clock,
    power::Power,
    sms::Sms,
    packet::Packet,
    sapbr::Sapbr,
    socket::Socket,
    names::Names,
    ssl::Ssl,
    mqtt::Mqtt,
    http::Http,
    ftp::Ftp,
    files::Files,
}

/// Every command with its family's name, in the manual's order.
pub fn commands() -> impl Iterator<Item = (&'static str, &'static Command)> {
    ALL.iter().flat_map(|(family, commands)| commands.iter().map(move |command| (*family, command)))
}

/// The record of the command that was typed. Names are looked up whole, never by prefix.
pub(crate) fn find(typed: &at::Command<'_>) -> Option<&'static Command> {
    commands().map(|(_, command)| command).find(|command| typed.is(command.name))
}
