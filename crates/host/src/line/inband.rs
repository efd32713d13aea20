//! XON/XOFF on lines whose driver does not do it.

use modem::{Flow, LineSetting};

const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// How the client holds the module with characters among its data (AT+IFC=1).
#[derive(Debug, Default)]
pub(super) struct InBand {
    heeded: bool,
    held: bool,
}

impl InBand {
    pub(super) fn set(&mut self, setting: LineSetting) {
        if let LineSetting::Flow { by_dte, .. } = setting {
            self.heeded = by_dte == Flow::Software;
            self.held = false;
        }
    }

    /// Takes the flow characters out of what has come; how many bytes are left, at the beginning.
    pub(super) fn take(&mut self, bytes: &mut [u8]) -> usize {
        if !self.heeded {
            return bytes.len();
        }
        let mut kept = 0;
        for at in 0..bytes.len() {
            match bytes[at] {
                XON => self.held = false,
                XOFF => self.held = true,
                byte => {
                    bytes[kept] = byte;
                    kept += 1;
                }
            }
        }
        kept
    }

    /// Whether nothing may be sent.
    pub(super) fn holds(&self) -> bool {
        self.held
    }

    /// Whoever held it is gone.
    pub(super) fn release(&mut self) {
        self.held = false;
    }
}
