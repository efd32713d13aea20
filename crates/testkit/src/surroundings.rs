//! A transcript's words for the module's surroundings, in the module's own.

use modem::{Card, Coverage, Flow, LineSetting, Parity, Setup, Signal, World, WorldChange};
use transcript::{ModuleSetting, StageError};

/// The PUK of cards whose transcript does not care.
const PUK: &str = "12345678";

/// Applies a `@module` line.
pub(crate) fn set_up(setup: &mut Setup, setting: &ModuleSetting) -> Result<(), StageError> {
    match setting {
        ModuleSetting::Instance(instance) => setup.instance = *instance,
        ModuleSetting::Seed(seed) => setup.seed = *seed,
        ModuleSetting::Profile(name) => {
            setup.profile = modem::profile(name)
                .ok_or_else(|| StageError::Failed(format!("there is no profile called {name}")))?;
        }
        ModuleSetting::Card(inserted) => setup.world.card = inserted.as_ref().map(card),
        ModuleSetting::NetworkTime(on) => setup.world.network_time = *on,
        ModuleSetting::Coverage(found) => setup.world.coverage = coverage(*found),
        ModuleSetting::Bearer(granted) => setup.world.bearer = *granted,
        ModuleSetting::Rssi(rssi) => setup.world.rssi = *rssi,
        ModuleSetting::Line { line, kind } => {
            let line = usize::from(*line);
            if setup.lines.len() <= line {
                setup.lines.resize(line + 1, modem::LineKind::Plain);
            }
            setup.lines[line] = match kind {
                transcript::LineKind::Plain => modem::LineKind::Plain,
                transcript::LineKind::AutoBaud => modem::LineKind::AutoBaud,
            };
        }
        ModuleSetting::Unix(seconds) => setup.unix_millis = seconds.saturating_mul(1000),
    }
    Ok(())
}

/// A `@world` step.
pub(crate) fn change(change: &transcript::World) -> WorldChange {
    match change {
        transcript::World::Card(inserted) => WorldChange::Card(inserted.as_ref().map(card)),
        transcript::World::Rssi(rssi) => WorldChange::Rssi(*rssi),
        transcript::World::Coverage(found) => WorldChange::Coverage(coverage(*found)),
        transcript::World::Bearer(granted) => WorldChange::Bearer(*granted),
        transcript::World::BearerLost => WorldChange::BearerLost,
        transcript::World::NetworkTime(on) => WorldChange::NetworkTime(*on),
        transcript::World::PowerKey => WorldChange::PowerKey,
    }
}

/// A line's setting in the words of `@line-setting`.
pub(crate) fn line_setting(setting: LineSetting) -> String {
    let flow = |flow| match flow {
        Flow::None => "none",
        Flow::Software => "software",
        Flow::Hardware => "hardware",
    };
    match setting {
        LineSetting::Rate(rate) => format!("rate {rate}"),
        LineSetting::Framing(frame) => {
            let parity = match frame.parity {
                Parity::None => 'N',
                Parity::Odd => 'O',
                Parity::Even => 'E',
            };
            format!("framing {}{parity}{}", frame.data_bits, frame.stop_bits)
        }
        LineSetting::Flow { by_dte, by_dce } => format!("flow {} {}", flow(by_dte), flow(by_dce)),
        LineSetting::Signal(signal, on) => {
            let signal = match signal {
                Signal::Dcd => "dcd",
                Signal::Ri => "ri",
                Signal::Dsr => "dsr",
            };
            format!("{signal} {}", if on { "on" } else { "off" })
        }
    }
}

/// What a module that is made again finds.
pub(crate) fn remember(world: &mut World, change: &WorldChange) {
    match change {
        WorldChange::Card(card) => world.card.clone_from(card),
        WorldChange::Coverage(coverage) => world.coverage = *coverage,
        WorldChange::Rssi(rssi) => world.rssi = *rssi,
        WorldChange::NetworkTime(on) => world.network_time = *on,
        WorldChange::Bearer(granted) => world.bearer = *granted,
        WorldChange::BearerLost | WorldChange::PowerKey => {}
    }
}

fn card(card: &transcript::Card) -> Card {
    Card { pin: card.pin.clone(), puk: card.puk.clone().unwrap_or_else(|| PUK.into()) }
}

fn coverage(coverage: transcript::Coverage) -> Coverage {
    match coverage {
        transcript::Coverage::Home => Coverage::Home,
        transcript::Coverage::Roaming => Coverage::Roaming,
        transcript::Coverage::Searching => Coverage::Searching,
        transcript::Coverage::Denied => Coverage::Denied,
    }
}
