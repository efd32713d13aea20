//! A module's surroundings: from the words of transcripts and world files to the module's own terms.
//!
//! [`transcript`] reads words and knows no modules; [`modem`] knows no words. Both tests and the program need what is
//! between them.

use std::time::Duration;

use modem::{Account, Apn, Card, Coverage, Dns, LineKind, MessageService, Pace, Setup, WorldChange};
use transcript::{ModuleSetting, World};

/// There is no such profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no profile called {0}; there are {known}", known = profiles())]
pub struct UnknownProfile(pub String);

/// Applies what is said about the beginning: a `@module` line, or a line of a world file.
///
/// # Errors
/// It names a profile that does not exist.
pub fn set_up(setup: &mut Setup, setting: &ModuleSetting) -> Result<(), UnknownProfile> {
    match setting {
        ModuleSetting::Instance(instance) => setup.instance = *instance,
        ModuleSetting::Seed(seed) => setup.seed = *seed,
        ModuleSetting::Profile(name) => {
            setup.profile = modem::profile(name).ok_or_else(|| UnknownProfile(name.clone()))?;
        }
        ModuleSetting::World(world) => setup.world.apply(&change(world)),
        ModuleSetting::Power(on) => setup.world.power = *on,
        ModuleSetting::Line { line, kind } => {
            let line = usize::from(*line);
            if setup.lines.len() <= line {
                setup.lines.resize(line + 1, LineKind::Plain);
            }
            setup.lines[line] = match kind {
                transcript::LineKind::Plain => LineKind::Plain,
                transcript::LineKind::AutoBaud => LineKind::AutoBaud,
            };
        }
        ModuleSetting::Unix(seconds) => setup.unix_millis = seconds.saturating_mul(1000),
    }
    Ok(())
}

/// A change in the module's terms.
#[must_use]
pub fn change(world: &World) -> WorldChange {
    match world {
        World::Card(inserted) => WorldChange::Card(inserted.as_ref().map(card)),
        World::Account(allowed) => WorldChange::Account(account(*allowed)),
        World::Rssi(rssi) => WorldChange::Rssi(*rssi),
        World::Coverage(found) => WorldChange::Coverage(coverage(*found)),
        World::Boot(how) => WorldChange::Boot(pace(*how)),
        World::CardStart(how) => WorldChange::CardStart(pace(*how)),
        World::Attach(how) => WorldChange::Attach(pace(*how)),
        World::Bearer(granted) => WorldChange::Bearer(*granted),
        World::BearerLost => WorldChange::BearerLost,
        World::Apn(taken) => WorldChange::Apn(apn(taken)),
        World::Dns(how) => WorldChange::Dns(match how {
            transcript::Dns::Works => Dns::Works,
            transcript::Dns::Dead => Dns::Dead,
            transcript::Dns::Failing => Dns::Failing,
        }),
        World::Messages(how) => WorldChange::Messages(match how {
            transcript::MessageService::Carried => MessageService::Carried,
            transcript::MessageService::Refused => MessageService::Refused,
            transcript::MessageService::NoCenter => MessageService::NoCenter,
        }),
        World::PrivateServers(reachable) => WorldChange::PrivateServers(*reachable),
        World::NetworkTime(on) => WorldChange::NetworkTime(*on),
        World::PowerKey(time) => WorldChange::PowerKey(millis(*time)),
        World::Reset(time) => WorldChange::Reset(millis(*time)),
    }
}

fn profiles() -> String {
    let names: Vec<&str> = modem::PROFILES.iter().map(|profile| profile.name).collect();
    names.join(" and ")
}

fn card(card: &transcript::Card) -> Card {
    let usual = Card::default();
    Card {
        pin: card.pin.clone(),
        puk: card.puk.clone().unwrap_or(usual.puk),
        blocked: card.blocked,
        account: account(card.account),
    }
}

fn account(account: transcript::Account) -> Account {
    match account {
        transcript::Account::Good => Account::Good,
        transcript::Account::Arrears => Account::Arrears,
        transcript::Account::Refused => Account::Refused,
    }
}

fn coverage(coverage: transcript::Coverage) -> Coverage {
    match coverage {
        transcript::Coverage::Home => Coverage::Home,
        transcript::Coverage::Roaming => Coverage::Roaming,
        transcript::Coverage::Searching => Coverage::Searching,
        transcript::Coverage::Denied => Coverage::Denied,
        transcript::Coverage::Unusable => Coverage::Unusable,
    }
}

fn pace(pace: transcript::Pace) -> Pace {
    match pace {
        transcript::Pace::Normal => Pace::Normal,
        transcript::Pace::Slow(time) => Pace::Slow(millis(time)),
        transcript::Pace::Stuck => Pace::Stuck,
    }
}

fn apn(apn: &transcript::Apn) -> Apn {
    match apn {
        transcript::Apn::Any => Apn::Any,
        transcript::Apn::Private { name, user, password, dead_end } => Apn::Private {
            name: name.clone(),
            user: user.clone(),
            password: password.clone(),
            dead_end: *dead_end,
        },
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
