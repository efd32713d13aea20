//! The simulated surroundings: card, registration, signal, bearer, addresses; at power-on and as they change.

use alloc::string::String;
use alloc::vec::Vec;

/// The card in the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// The PIN that the card asks for at start, if any.
    pub pin: Option<String>,
    /// The PUK that unblocks it.
    pub puk: String,
    /// Three wrong PINs have blocked it already: it asks for its PUK.
    pub blocked: bool,
    /// What its operator lets it do.
    pub account: Account,
}

impl Default for Card {
    /// Without a PIN, paid for.
    fn default() -> Self {
        Self { pin: None, puk: "12345678".into(), blocked: false, account: Account::Good }
    }
}

/// What the operator lets a card do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Account {
    /// Everything.
    #[default]
    Good,
    /// In arrears: it registers on GSM only, without data.
    Arrears,
    /// Nothing: the network denies the registration (a card of another network, or for another kind of device).
    Refused,
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
    /// The operator's network is there, on bands or of a kind that the radio does not have; for the module: searching.
    Unusable,
}

/// How long something takes that the module waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pace {
    /// As long as the profile says.
    #[default]
    Normal,
    /// So many milliseconds.
    Slow(u64),
    /// The next time it hangs; the time after that it works again.
    Stuck,
}

/// Which APN the network takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Apn {
    /// Any.
    #[default]
    Any,
    /// This one only, with this user name and password.
    Private {
        /// The APN.
        name: String,
        /// The user name; empty: none.
        user: String,
        /// The password; empty: none.
        password: String,
        /// What becomes of a bearer to another APN: it comes up and leads nowhere (true), or is refused.
        dead_end: bool,
    },
}

/// What the network's name servers do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dns {
    /// They answer.
    #[default]
    Works,
    /// They never answer.
    Dead,
    /// They answer that they cannot.
    Failing,
}

/// How the network and the card do with short messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageService {
    /// They are carried.
    Carried,
    /// The network refuses those that the module sends.
    Refused,
    /// The card has no service centre's number; AT+CSCA can give it one.
    NoCenter,
}

/// The simulated surroundings at power-on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// Whether the module is switched on from the beginning; otherwise the power key does it.
    pub power: bool,
    /// Power-on to the first message. A module that hangs there answers nothing until the reset pin is pulled.
    pub boot: Pace,
    /// The card, if one is in.
    pub card: Option<Card>,
    /// The card's start. Only a restart of the module, or taking it out, helps a card that hangs there.
    pub card_start: Pace,
    /// Registration.
    pub coverage: Coverage,
    /// Signal as in AT+CSQ: 0 to 31, 99 unknown.
    pub rssi: u8,
    /// Whether the network tells the time (NITZ).
    pub network_time: bool,
    /// Registered to attached. Only a restart helps an attach that hangs, or AT+CFUN=4 for 5 s and AT+CFUN=1.
    pub attach: Pace,
    /// Whether the network grants a bearer (CIICR, CGACT).
    pub bearer: bool,
    /// Which APN it takes.
    pub apn: Apn,
    /// What its name servers do.
    pub dns: Dns,
    /// Short messages.
    pub messages: MessageService,
    /// Whether private addresses (RFC 1918) can be reached, as they can from this computer but not through a carrier.
    pub private_servers: bool,
}

impl Default for World {
    /// A ready card, good coverage, everything granted.
    fn default() -> Self {
        Self {
            power: true,
            boot: Pace::Normal,
            card: Some(Card::default()),
            card_start: Pace::Normal,
            coverage: Coverage::Home,
            rssi: 24,
            network_time: true,
            attach: Pace::Normal,
            bearer: true,
            apn: Apn::Any,
            dns: Dns::Works,
            messages: MessageService::Carried,
            private_servers: true,
        }
    }
}

/// A change of the surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldChange {
    /// The card is taken out (`None`) or put in.
    Card(Option<Card>),
    /// The operator lets the card in the slot do more, or less.
    Account(Account),
    /// Registration changes.
    Coverage(Coverage),
    /// Signal changes.
    Rssi(u8),
    /// The network begins or stops to tell the time.
    NetworkTime(bool),
    /// How long later boots take.
    Boot(Pace),
    /// How long later starts of a card take.
    CardStart(Pace),
    /// How long later attaches take.
    Attach(Pace),
    /// The network grants or refuses bearers from now on.
    Bearer(bool),
    /// The network drops the bearer that is up.
    BearerLost,
    /// The network takes other APNs from now on.
    Apn(Apn),
    /// The network's name servers change their ways.
    Dns(Dns),
    /// Whether private addresses can be reached.
    PrivateServers(bool),
    /// Short messages work or fail from now on.
    Messages(MessageService),
    /// The network has a short message for the module: an SMS-DELIVER or SMS-STATUS-REPORT (TS 23.040), without a service
    /// centre's address. It waits in the network until the module can take it.
    Message {
        /// At most 164 bytes; anything that is no such TPDU is dropped with a note.
        tpdu: Vec<u8>,
    },
    /// The power key is held low for so many milliseconds, from now on. 2 s switch the module on.
    PowerKey(u64),
    /// The reset pin is held low for so many milliseconds, from now on. 150 ms restart the module.
    Reset(u64),
}

impl World {
    /// Makes a change that lasts. What only happens (a lost bearer, a message, the power key, the reset pin) leaves no trace here.
    pub fn apply(&mut self, change: &WorldChange) {
        match change {
            WorldChange::Card(card) => self.card.clone_from(card),
            WorldChange::Account(account) => {
                if let Some(card) = &mut self.card {
                    card.account = *account;
                }
            }
            WorldChange::Coverage(coverage) => self.coverage = *coverage,
            WorldChange::Rssi(rssi) => self.rssi = *rssi,
            WorldChange::NetworkTime(on) => self.network_time = *on,
            WorldChange::Boot(pace) => self.boot = *pace,
            WorldChange::CardStart(pace) => self.card_start = *pace,
            WorldChange::Attach(pace) => self.attach = *pace,
            WorldChange::Bearer(granted) => self.bearer = *granted,
            WorldChange::Apn(apn) => self.apn.clone_from(apn),
            WorldChange::Dns(dns) => self.dns = *dns,
            WorldChange::PrivateServers(reachable) => self.private_servers = *reachable,
            WorldChange::Messages(service) => self.messages = *service,
            WorldChange::BearerLost
            | WorldChange::Message { .. }
            | WorldChange::PowerKey(_)
            | WorldChange::Reset(_) => {}
        }
    }

    /// The module is cut from its power: whatever hangs hangs no more.
    pub fn unstick(&mut self) {
        for pace in [&mut self.boot, &mut self.card_start, &mut self.attach] {
            if *pace == Pace::Stuck {
                *pace = Pace::Normal;
            }
        }
    }
}

impl Pace {
    /// How long it takes this time, where `normal` is usual; `None`: it hangs, and works the next time.
    pub(crate) fn take(&mut self, normal: u64) -> Option<u64> {
        match *self {
            Self::Normal => Some(normal),
            Self::Slow(millis) => Some(millis),
            Self::Stuck => {
                *self = Self::Normal;
                None
            }
        }
    }
}
