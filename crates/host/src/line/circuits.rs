//! Modem-control circuits over a null-modem cable: a PC's port is a DTE, and so is the host at its other end.
//!
//! The cable joins our DTR to the host's DSR and DCD, our RTS to its CTS, and the same the other way round. A module
//! (DCE) drives DSR and DCD each for itself; here one wire stands for one of them.

use libc::{TIOCM_CAR, TIOCM_DSR, c_int};
use modem::Signal;

/// What the module drives; all off until it says otherwise.
#[derive(Debug)]
pub(super) struct Circuits {
    dsr: bool,
    dcd: bool,
    carrier: bool,
}

impl Circuits {
    /// Our DTR stands for DCD (`carrier`) or for DSR.
    pub(super) fn new(carrier: bool) -> Self {
        Self { dsr: false, dcd: false, carrier }
    }

    /// Takes a change; false: a PC's port cannot drive this one.
    pub(super) fn set(&mut self, signal: Signal, on: bool) -> bool {
        match signal {
            Signal::Dsr => self.dsr = on,
            Signal::Dcd => self.dcd = on,
            Signal::Ri => return false,
        }
        true
    }

    /// What our DTR has to be. A module that is off has no carrier.
    pub(super) fn dtr(&self) -> bool {
        self.dsr && (self.dcd || !self.carrier)
    }
}

/// The host's DTR, and whether the module has been told.
#[derive(Debug, Default)]
pub(super) struct Dtr {
    now: Option<bool>,
    told: Option<bool>,
}

impl Dtr {
    pub(super) fn set(&mut self, on: bool) {
        self.now = Some(on);
    }

    /// Takes the level of our inputs. One that was never on says nothing: a cable of three wires has none.
    pub(super) fn sample(&mut self, bits: c_int) {
        let on = bits & (TIOCM_DSR | TIOCM_CAR) != 0;
        if on || self.now.is_some() {
            self.now = Some(on);
        }
    }

    /// A change to this level that has not been told.
    pub(super) fn take(&mut self, level: bool) -> bool {
        let news = self.now == Some(level) && self.told != self.now;
        if news {
            self.told = self.now;
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wire_stands_for_one_circuit() {
        for (carrier, levels) in
            [(false, [false, true, true, true, false]), (true, [false, false, true, false, false])]
        {
            let mut circuits = Circuits::new(carrier);
            let mut seen = vec![circuits.dtr()];
            for (signal, on) in
                [(Signal::Dsr, true), (Signal::Dcd, true), (Signal::Dcd, false), (Signal::Dsr, false)]
            {
                assert!(circuits.set(signal, on));
                seen.push(circuits.dtr());
            }
            assert_eq!(seen, levels, "carrier {carrier}");
            assert!(!circuits.set(Signal::Ri, true));
        }
    }

    #[test]
    fn the_hosts_dtr_is_told_when_it_changes_and_not_without_a_wire() {
        let mut dtr = Dtr::default();
        dtr.sample(0);
        assert!(!dtr.take(true) && !dtr.take(false), "there may be no such wire");
        dtr.sample(TIOCM_DSR);
        assert!(!dtr.take(false) && dtr.take(true) && !dtr.take(true));
        dtr.sample(TIOCM_CAR);
        assert!(!dtr.take(true), "it was told");
        dtr.sample(0);
        assert!(!dtr.take(true) && dtr.take(false) && !dtr.take(false));
    }
}
