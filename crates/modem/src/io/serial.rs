//! What a serial line is beyond its bytes: bit rate, framing, flow control, circuits.

/// What a line is on the module's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Bytes arrive as they were sent, whatever the bit rate: USB, a PTY, TCP.
    #[default]
    Plain,
    /// A UART that finds out its bit rate: while AT+IPR is 0 it is silent until `AT` or `at` has come.
    AutoBaud,
}

/// One thing that changes about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineSetting {
    /// Bits per second (AT+IPR); 0: found out from what comes.
    Rate(u32),
    /// Bits per character (AT+ICF).
    Framing(Framing),
    /// Who holds whom, and how (AT+IFC).
    Flow {
        /// How the host holds the module.
        by_dte: Flow,
        /// How the module holds the host.
        by_dce: Flow,
    },
    /// A circuit that the module drives changes.
    Signal(Signal, bool),
}

/// A character's frame. One start bit always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Framing {
    /// 7 or 8.
    pub data_bits: u8,
    /// The parity bit.
    pub parity: Parity,
    /// 1 or 2.
    pub stop_bits: u8,
}

/// A parity bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parity {
    /// There is none.
    None,
    /// Odd.
    Odd,
    /// Even.
    Even,
}

/// A flow control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// None.
    None,
    /// XON/XOFF.
    Software,
    /// RTS/CTS.
    Hardware,
}

/// Circuits that the module drives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Data carrier detect, circuit 109.
    Dcd,
    /// Ring indicator, circuit 125.
    Ri,
    /// Data set ready, circuit 107: the module is on.
    Dsr,
}
