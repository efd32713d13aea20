//! `+CMS ERROR` numbers: TS 27.005 3.2.5, and below 128 the network's own causes (TS 24.011 E-2).

/// A `+CMS ERROR` number. It is always printed as a number, whatever AT+CMEE says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CmsError(pub u16);

impl CmsError {
    /// The network does not take the message.
    pub const REJECTED: Self = Self(21);
    /// The network is out of order.
    pub const NETWORK_OUT_OF_ORDER: Self = Self(38);
    /// The module failed.
    pub const ME_FAILURE: Self = Self(300);
    /// Not allowed in this state.
    pub const NOT_ALLOWED: Self = Self(302);
    /// Not supported.
    pub const NOT_SUPPORTED: Self = Self(303);
    /// A bad parameter or PDU in PDU mode.
    pub const INVALID_PDU: Self = Self(304);
    /// A bad parameter or text in text mode.
    pub const INVALID_TEXT: Self = Self(305);
    /// No card.
    pub const SIM_NOT_INSERTED: Self = Self(310);
    /// The card waits for its PIN.
    pub const SIM_PIN_REQUIRED: Self = Self(311);
    /// The card does not answer.
    pub const SIM_FAILURE: Self = Self(313);
    /// The card is still starting.
    pub const SIM_BUSY: Self = Self(314);
    /// The card waits for its PUK.
    pub const SIM_PUK_REQUIRED: Self = Self(316);
    /// The memory failed.
    pub const MEMORY_FAILURE: Self = Self(320);
    /// No message there.
    pub const INVALID_INDEX: Self = Self(321);
    /// The memory is full.
    pub const MEMORY_FULL: Self = Self(322);
    /// No service centre's number is known.
    pub const CENTER_UNKNOWN: Self = Self(330);
    /// Not registered.
    pub const NO_NETWORK: Self = Self(331);
    /// The network does not answer.
    pub const NETWORK_TIMEOUT: Self = Self(332);
    /// No message waits for AT+CNMA.
    pub const NOTHING_TO_ACKNOWLEDGE: Self = Self(340);
    /// Unknown error.
    pub const UNKNOWN: Self = Self(500);
}
