//! What a profile may have that no profile has yet.

use modemtwin_modem::{AIR724UG, Input, LineId, Modem, Output, Profile, Setup, Time};

/// The guide's misprints in the answers of SSLCFG.
const MISPRINTED: Profile = Profile { sslcfg_misprints: true, ..AIR724UG };

fn answer(profile: &'static Profile, command: &str) -> String {
    let mut setup = Setup::new(0, 1, 1_600_000_000_000);
    setup.profile = profile;
    let mut modem = Modem::new(setup);
    modem.handle(Time(60_000), Input::Tick);
    while modem.poll_output().is_some() {}
    let line = format!("{command}\r");
    modem.handle(Time(60_000), Input::Line { line: LineId(0), bytes: line.as_bytes() });
    let mut said = Vec::new();
    while let Some(output) = modem.poll_output() {
        if let Output::Write { bytes, .. } = output {
            said.extend(bytes);
        }
    }
    String::from_utf8_lossy(&said).replace(&format!("{command}\r"), "")
}

// @covers ssl.cfg.text.misprints
#[test]
fn the_guides_misprints_are_there_only_in_a_profile_that_wants_them() {
    let suite = "AT+SSLCFG=\"ciphersuite\",0";
    assert_eq!(answer(&AIR724UG, suite), "\r\n+SSLCFG: \"ciphersuite\",0,0XFFFF\r\n\r\nOK\r\n");
    assert_eq!(answer(&MISPRINTED, suite), "\r\n+SSLCFG: ciphersuite\",0,0XFFFF\r\n\r\nOK\r\n");
    let mode = "AT+SSLCFG=\"verifymode\",0";
    assert_eq!(answer(&AIR724UG, mode), "\r\n+SSLCFG:\"verifymode\",0,0\r\n\r\nOK\r\n");
    assert_eq!(answer(&MISPRINTED, mode), "\r\n+SSLCFG:\" verifymode\",0,0\r\n\r\nOK\r\n");
    let others = "AT+SSLCFG=\"seclevel\",0";
    assert_eq!(answer(&MISPRINTED, others), answer(&AIR724UG, others));
}
