//! What V.250 calls the module, bare: GMI, GMM, GMR, and GCAP.

use crate::command::{Answer, Command, Evidence, Outcome, example};
use crate::exchange::Exchange;
use crate::profile::Profile;

pub(super) const GMI: Command = Command {
    syntax: &["AT+GMI", "AT+GMI=?"],
    reference: "V.250 6.1.4",
    evidence: Evidence::Standard,
    remarks: "Bare, as V.250 has it (assumed: the manual does not list it).",
    execute: Some(|x| text(x, |profile| profile.manufacturer)),
    examples: &[example("AT+GMI", "\r\nAirM2M\r\n\r\nOK\r\n")],
    ..Command::new("+GMI", "Manufacturer, bare")
};

pub(super) const GMM: Command = Command {
    syntax: &["AT+GMM", "AT+GMM=?"],
    reference: "V.250 6.1.5",
    evidence: Evidence::Standard,
    remarks: "Bare, as V.250 has it (assumed: the manual does not list it).",
    execute: Some(|x| text(x, |profile| profile.model)),
    examples: &[example("AT+GMM", "\r\nAir724UG\r\n\r\nOK\r\n")],
    ..Command::new("+GMM", "Model, bare")
};

pub(super) const GMR: Command = Command {
    syntax: &["AT+GMR", "AT+GMR=?"],
    reference: "V.250 6.1.6",
    evidence: Evidence::Standard,
    remarks: "Bare, as V.250 has it (assumed: the manual does not list it).",
    execute: Some(|x| text(x, |profile| profile.revision)),
    examples: &[example("AT+GMR", "\r\nAirM2M_Air724UG_V401881_LTE_AT\r\n\r\nOK\r\n")],
    ..Command::new("+GMR", "Firmware revision, bare")
};

pub(super) const GCAP: Command = Command {
    syntax: &["AT+GCAP", "AT+GCAP=?"],
    reference: "V.250 6.1.9; TS 27.007 5.7",
    evidence: Evidence::Standard,
    remarks: "Host programs ask it to tell a mobile from a telephone modem. The manual does not list it.",
    execute: Some(capabilities),
    examples: &[example("AT+GCAP", "\r\n+GCAP: +CGSM\r\n\r\nOK\r\n")],
    ..Command::new("+GCAP", "What kind of modem it is")
};

/// A text of the profile, without a name in front.
pub(super) fn text(x: &mut Exchange<'_>, text: fn(&Profile) -> &'static str) -> Answer {
    let text = text(x.profile());
    x.info(format_args!("{text}"));
    Ok(Outcome::Ok)
}

fn capabilities(x: &mut Exchange<'_>) -> Answer {
    x.info(format_args!("+GCAP: +CGSM"));
    Ok(Outcome::Ok)
}
