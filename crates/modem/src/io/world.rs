//! The simulated surroundings: card, registration, signal, bearer; at power-on and as they change.

use alloc::string::String;

/// The card in the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The PIN that the card asks for at start, if any.
    pub pin: Option<String>,
    /// The PUK that unblocks it.
    pub puk: String,
}

/// How the network answers the registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// Registers in the home network.
    Home,
    /// Registers, roaming.
    Roaming,
    /// No network found; searching.
    Searching,
    /// The network denies registration.
    Denied,
}

/// The simulated surroundings at power-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// The card, if one is in.
    pub card: Option<Card>,
    /// Registration.
    pub coverage: Coverage,
    /// Signal as in AT+CSQ: 0 to 31, 99 unknown.
    pub rssi: u8,
    /// Whether the network tells the time (NITZ).
    pub network_time: bool,
    /// Whether the network grants a bearer (CIICR, CGACT).
    pub bearer: bool,
}

/// A change of the surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldChange {
    /// The card is taken out (`None`) or put in.
    Card(Option<Card>),
    /// Registration changes.
    Coverage(Coverage),
    /// Signal changes.
    Rssi(u8),
    /// The network begins or stops to tell the time.
    NetworkTime(bool),
    /// The network grants or refuses bearers from now on.
    Bearer(bool),
    /// The network drops the bearer that is up.
    BearerLost,
    /// The power key switches the module on after AT+CPOWD.
    PowerKey,
}
