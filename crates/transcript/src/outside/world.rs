//! The module's surroundings: the card, the network, the keys.

use std::time::Duration;

/// A SIM card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// The PIN that it asks for, if any.
    pub pin: Option<String>,
    /// The PUK, if the transcript cares.
    pub puk: Option<String>,
    /// Wrong PINs have blocked it: it asks for its PUK.
    pub blocked: bool,
    /// What its operator lets it do.
    pub account: Account,
}

/// What the operator lets a card do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Account {
    /// Everything.
    #[default]
    Good,
    /// GSM only, without data.
    Arrears,
    /// Nothing: the network refuses the card.
    Refused,
}

/// How the network answers the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Home network.
    Home,
    /// Roaming.
    Roaming,
    /// No network.
    Searching,
    /// Registration denied.
    Denied,
    /// A network that the radio cannot use.
    Unusable,
}

/// How long something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As long as usual.
    Normal,
    /// So long.
    Slow(Duration),
    /// It hangs, the next time.
    Stuck,
}

/// Which APN the network takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Apn {
    /// Any.
    Any,
    /// Only this one.
    Private {
        /// The APN.
        name: String,
        /// The user name, perhaps empty.
        user: String,
        /// The password, perhaps empty.
        password: String,
        /// Another one leads nowhere, instead of being refused.
        dead_end: bool,
    },
}

/// What the network's name servers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dns {
    /// They answer.
    Works,
    /// They never answer.
    Dead,
    /// They answer that they cannot.
    Failing,
}

/// How the network and the card do with short messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageService {
    /// They are carried.
    Carried,
    /// The network refuses those that the module sends.
    Refused,
    /// The card has no service centre's number.
    NoCenter,
}

/// `@world …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum World {
    /// The card is put in, or taken out.
    Card(Option<Card>),
    /// What the operator lets the card do.
    Account(Account),
    /// Signal changes.
    Rssi(u8),
    /// Registration changes.
    Coverage(Coverage),
    /// How long boots take.
    Boot(Pace),
    /// How long a card takes to start.
    CardStart(Pace),
    /// How long an attach takes.
    Attach(Pace),
    /// The network grants or refuses bearers from now on.
    Bearer(bool),
    /// The network drops the bearer that is up.
    BearerLost,
    /// Which APN it takes.
    Apn(Apn),
    /// What its name servers do.
    Dns(Dns),
    /// Whether private addresses can be reached.
    PrivateServers(bool),
    /// How short messages fare.
    Messages(MessageService),
    /// The network begins or stops to tell the time.
    NetworkTime(bool),
    /// The power key is low for so long.
    PowerKey(Duration),
    /// The reset pin is low for so long.
    Reset(Duration),
}

impl World {
    /// The word that it begins with.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Card(_) => "card",
            Self::Account(_) => "account",
            Self::Rssi(_) => "rssi",
            Self::Coverage(_) => "coverage",
            Self::Boot(_) => "boot",
            Self::CardStart(_) => "card-start",
            Self::Attach(_) => "attach",
            Self::Bearer(_) | Self::BearerLost => "bearer",
            Self::Messages(_) => "messages",
            Self::Apn(_) => "apn",
            Self::Dns(_) => "dns",
            Self::PrivateServers(_) => "private-servers",
            Self::NetworkTime(_) => "time",
            Self::PowerKey(_) => "power-key",
            Self::Reset(_) => "reset",
        }
    }

    /// Whether it only happens, instead of lasting: it makes no sense before the module is on.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::BearerLost | Self::PowerKey(_) | Self::Reset(_))
    }
}
