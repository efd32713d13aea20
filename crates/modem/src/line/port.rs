//! What a line is beyond its bytes: bit rate, framing, flow control, circuits, and whether it can hear.

use alloc::vec::Vec;

use crate::families::serial::framing;
use crate::io::{Flow, LineKind, LineSetting, Signal};

/// Bits per second (AT+IPR), frame (AT+ICF), flow control (AT+IFC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Serial {
    pub(crate) rate: u32,
    /// 1 to 3: what the hardware has of AT+ICF's formats.
    pub(crate) format: u8,
    /// Even parity, where the format has one.
    pub(crate) even: bool,
    pub(crate) by_dte: Flow,
    pub(crate) by_dce: Flow,
}

impl Serial {
    /// Automatic bit rate, 8N1, no flow control.
    pub(crate) const FACTORY: Self =
        Self { rate: 0, format: 3, even: false, by_dte: Flow::None, by_dce: Flow::None };
}

/// The circuits that the module drives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Circuits {
    pub(crate) dcd: bool,
    pub(crate) ri: bool,
    pub(crate) dsr: bool,
}

/// One line's port.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) kind: LineKind,
    pub(crate) serial: Serial,
    /// The bit rate has been found out.
    trained: bool,
    /// A line has come in vain while it had not been.
    in_vain: bool,
    /// The last byte that came while it had not been.
    last: u8,
    /// A link or call has the line in a data phase of its own: what DCD follows with AT&C1.
    pub(crate) carrier: bool,
    /// AT&C: 0 DCD always on, 1 following the carrier.
    pub(crate) dcd: u8,
    /// AT&D: what a falling DTR does.
    pub(crate) dtr_action: u8,
    /// RI is on.
    pub(crate) ringing: bool,
    /// The host's DTR. A line without that circuit counts as on.
    pub(crate) dtr: bool,
    /// What the host program was told last.
    told: (Serial, Circuits),
}

impl Port {
    /// AT&C from the factory.
    pub(crate) const DCD: u8 = 1;
    /// AT&D from the factory.
    pub(crate) const DTR_ACTION: u8 = 2;

    pub(crate) fn new(kind: LineKind) -> Self {
        Self {
            kind,
            serial: Serial::FACTORY,
            trained: false,
            in_vain: false,
            last: 0,
            carrier: false,
            dcd: Self::DCD,
            dtr_action: Self::DTR_ACTION,
            ringing: false,
            dtr: true,
            told: (Serial::FACTORY, Circuits::default()),
        }
    }

    /// At power-on: what the host program has been told, and the host's DTR, stay as they are.
    pub(crate) fn restarted(&self) -> Self {
        Self { dtr: self.dtr, told: self.told, ..Self::new(self.kind) }
    }

    /// The bit rate is this from now on. Whoever says so is heard already, so 0 changes nothing before the next power-on.
    pub(crate) fn set_rate(&mut self, rate: u32) {
        self.serial.rate = rate;
        self.trained = true;
    }

    /// At power-on: a bit rate that is stored need not be found out, whatever becomes of it later.
    pub(crate) fn settle_rate(&mut self) {
        self.trained = self.serial.rate != 0;
    }

    /// A UART that is heard at power-on, before anything was said to it.
    pub(crate) fn talks_from_the_start(&self) -> bool {
        self.kind == LineKind::AutoBaud && self.serial.rate != 0
    }

    /// Whether the bit rate still has to be found out: nothing is said until then.
    pub(crate) fn deaf(&self) -> bool {
        self.kind == LineKind::AutoBaud && self.serial.rate == 0 && !self.trained
    }

    /// Takes bytes that come while the bit rate is not known; how many of them it took to find it out, if it is now.
    /// `AT` and `at` do, `At` and `aT` do not.
    pub(crate) fn train(&mut self, bytes: &[u8]) -> Option<(usize, [u8; 2])> {
        for (index, &byte) in bytes.iter().enumerate() {
            let pair = [core::mem::replace(&mut self.last, byte), byte];
            if &pair == b"AT" || &pair == b"at" {
                self.trained = true;
                return Some((index + 1, pair));
            }
        }
        None
    }

    /// Whether this is the first line since power-on that came before the bit rate was known.
    pub(crate) fn first_in_vain(&mut self) -> bool {
        !core::mem::replace(&mut self.in_vain, true)
    }

    /// Text that may be lost when it is over `limit` together with `waiting` bytes: nobody may ever read it.
    pub(crate) fn refuses(&self, waiting: usize, limit: usize) -> bool {
        self.deaf() && waiting > limit
    }

    /// What has changed since this was asked last, when the circuits are to be like this. While a command is open (`busy`)
    /// its result code still has the old rate, frame and flow control.
    pub(crate) fn changes(&mut self, circuits: Circuits, busy: bool) -> Vec<LineSetting> {
        let new = if busy { self.told.0 } else { self.serial };
        let (old, were) = core::mem::replace(&mut self.told, (new, circuits));
        let frame = framing(new.format, new.even);
        let frame = frame.filter(|&frame| framing(old.format, old.even) != Some(frame));
        let flow = (new.by_dte, new.by_dce);
        [
            (new.rate != old.rate).then_some(LineSetting::Rate(new.rate)),
            frame.map(LineSetting::Framing),
            (flow != (old.by_dte, old.by_dce))
                .then_some(LineSetting::Flow { by_dte: flow.0, by_dce: flow.1 }),
            (circuits.dsr != were.dsr).then_some(LineSetting::Signal(Signal::Dsr, circuits.dsr)),
            (circuits.dcd != were.dcd).then_some(LineSetting::Signal(Signal::Dcd, circuits.dcd)),
            (circuits.ri != were.ri).then_some(LineSetting::Signal(Signal::Ri, circuits.ri)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether [`changes`](Self::changes) would tell anything.
    pub(crate) fn changed(&self, circuits: Circuits, busy: bool) -> bool {
        self.told.1 != circuits || (!busy && self.told.0 != self.serial)
    }
}
