//! What a module does to its lines, in a transcript's words.

use modem::{Flow, LineSetting, Parity, Signal};

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
