//! What the module tells people about what it has received.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{Input, LineId, Modem, Output, Setup, StoreError, Time};

const LINE: LineId = LineId(0);

fn modem() -> Modem {
    let mut modem = Modem::new(Setup::new(0, 1, 1_600_000_000_000));
    modem.handle(Time(60_000), Input::Tick);
    while modem.poll_output().is_some() {}
    modem
}

/// The notes that `bytes` cause; the file store refuses everything.
fn notes(modem: &mut Modem, bytes: &[u8]) -> Vec<String> {
    let mut notes = Vec::new();
    modem.handle(Time(60_000), Input::Line { line: LINE, bytes });
    while let Some(output) = modem.poll_output() {
        match output {
            Output::Note(note) => notes.push(format!("{}: {}", note.subject, note.text)),
            Output::Write { line, bytes } => {
                modem.handle(Time(60_000), Input::Written { line, bytes: bytes.len() });
            }
            Output::Store { ticket, .. } => {
                modem.handle(Time(60_000), Input::Store { ticket, result: Err(StoreError::NotFound) });
            }
            _ => {}
        }
    }
    notes
}

#[test]
fn a_line_that_ends_with_lf_is_explained_once() {
    let mut modem = modem();
    let explained = ["input: the line ended with LF; commands end with CR"];
    assert_eq!(notes(&mut modem, b"AT\n"), explained);
    assert!(notes(&mut modem, b"AT\nATI\n").is_empty());
    notes(&mut modem, b"\r");
    assert!(notes(&mut modem, b"AT\r\n\nAT\r\n").is_empty());
    assert_eq!(notes(&mut modem, b"AT+CSQ\n"), explained);
}

#[test]
fn what_is_wrong_with_a_line_is_said_about_the_input() {
    let text =
        "input: typographic quotation mark \u{201D} (U+201D) where an ASCII \" (U+0022) belongs at column 11";
    assert_eq!(notes(&mut modem(), "AT+FSLS=\"/\u{201D}\r".as_bytes()).len(), 1);
    assert_eq!(notes(&mut modem(), "AT+FSLS=/,\u{201D}\r".as_bytes()), [text]);
}

#[test]
fn a_refused_file_is_named() {
    let mut modem = modem();
    for command in ["FSDEL=\"/a/b\"", "FSREAD=a/b,0,10", "FSLS=\"C:/a/b\"", "FSCREATE=a/b", "FSFLSIZE=a/b"] {
        let said = notes(&mut modem, format!("AT+{command}\r").as_bytes());
        assert_eq!(said.len(), 1, "{command}");
        assert!(said[0].ends_with(": a/b: there is no such file or directory"), "{said:?}");
    }
}
