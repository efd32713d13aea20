//! AT+CLAC names every command that there is, and nothing else.
// @covers gen.clac
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;

use modemtwin_modem::{Setup, commands};
use testkit::answers;

#[test]
fn every_command_is_listed_once() {
    let setup = Setup::new(0, 1, 1_600_000_000_000);
    let said = answers(&setup, b"AT+CLAC\r", &[3]).unwrap();
    let mut expected = String::from("AT+CLAC\r\r\n");
    for (_, command) in commands() {
        write!(expected, "AT{}\r\n", command.name).unwrap();
    }
    expected += "\r\nOK\r\n";
    assert_eq!(String::from_utf8(said).unwrap(), expected);
}
