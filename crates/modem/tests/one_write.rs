//! What a module says together leaves together: a driver with a small buffer takes what one read gives it.

use modemtwin_modem::{Input, LineId, LinkEvent, LinkRequest, Modem, Output, Setup, Time};

const LINE: LineId = LineId(0);

/// What is written while `bytes` are handled, a string for each write. Every connect succeeds at once.
fn writes(modem: &mut Modem, now: Time, bytes: &[u8]) -> Vec<String> {
    modem.handle(now, Input::Line { line: LINE, bytes });
    let mut writes = Vec::new();
    while let Some(output) = modem.poll_output() {
        match output {
            Output::Write { bytes, .. } => {
                modem.handle(now, Input::Written { line: LINE, bytes: bytes.len() });
                writes.push(String::from_utf8_lossy(&bytes).into_owned());
            }
            Output::Link { conn, request: LinkRequest::Connect { .. } } => {
                let peer = ([192, 0, 2, 1], 7).into();
                modem.handle(now, Input::Link { conn, event: LinkEvent::Connected { peer } });
            }
            _ => {}
        }
    }
    writes
}

// @covers gen.frame.one-write
#[test]
fn lines_results_and_prompts_leave_in_one_write() {
    let now = Time(60_000);
    let mut modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
    writes(&mut modem, now, b"");
    assert_eq!(writes(&mut modem, now, b"AT+CMEE?\r"), ["AT+CMEE?\r\r\n+CMEE: 1\r\n\r\nOK\r\n"]);
    assert_eq!(writes(&mut modem, now, b"ATE0\r"), ["ATE0\r\r\nOK\r\n"]);
    assert_eq!(writes(&mut modem, now, b"AT+CIPSTATUS\r"), ["\r\nOK\r\n\r\nSTATE: IP INITIAL\r\n"]);
    // Several commands, several lines.
    assert_eq!(writes(&mut modem, now, b"AT+CMEE?;S3?\r"), ["\r\n+CMEE: 1\r\n\r\n13\r\n\r\nOK\r\n"]);
    writes(&mut modem, now, b"AT+CIPSTART=TCP,192.0.2.1,7\r");
    let connected = Time(120_000);
    writes(&mut modem, connected, b"");
    assert_eq!(writes(&mut modem, connected, b"AT+CIPSEND=3\r"), ["\r\n> "]);
}
