//! The checks find what is wrong, and the stage does what steps say.

use std::fs;
use std::path::PathBuf;

use modem::Setup;
use modemtwin_testkit::{answers, check, check_dir, check_str};
use proptest::prelude::*;

fn fails(text: &str) -> String {
    check_str(text).expect_err(text).to_string()
}

/// A directory below the build's own, with these files in it.
fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    for (path, content) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("it is below root"))
            .expect("the build's directory can be written");
        fs::write(path, content).expect("the build's directory can be written");
    }
    root
}

#[test]
fn good_transcripts_pass_in_every_way() {
    check_str("> AT\n< OK\n> ATE0\n< OK\n@echo off\n> AT\n< OK\n").unwrap();
}

#[test]
fn wrong_ones_fail_with_a_report() {
    assert!(fails("> AT\n< ERROR\n").contains("transcript:2:1: the module said something else"));
    assert!(fails("> AT\n").contains("more on line 0 than any step expects"));
    assert!(fails("> AT\n< OK\n@silence 1s\n< RING\n").contains("said nothing within 200s"));
    assert!(fails("> AT\n> @\n").contains("1 of 1 transcripts failed"));
    assert!(fails("nonsense").contains("transcript:1:1"));
    check_str("> AT\n@rest any\n").unwrap();
}

#[test]
fn directories_are_walked_and_all_failures_reported_together() {
    let root = directory(
        "walk",
        &[
            ("a.at", "> AT\n< OK\n"),
            ("b/c.at", "> AT\n< NO\n"),
            ("b/d/e.at", "> AT\n< NEITHER\n"),
            ("f.txt", "not one"),
        ],
    );
    let failures = check_dir(&root).unwrap_err();
    assert_eq!((failures.of, failures.reports.len()), (3, 2));
    assert!(
        failures.reports[0].contains("c.at:2:1") && failures.reports[1].contains("e.at:2:1"),
        "{failures}"
    );
    assert_eq!(check_dir(directory("good", &[("x/a.at", "> AT\n< OK\n")])).unwrap(), 1);
    assert!(check_dir(directory("none", &[("a.txt", "")])).unwrap_err().to_string().contains("no *.at file"));
    assert!(check_dir("not/there").is_err());
}

#[test]
fn files_are_found_beside_the_transcript() {
    let text = "@file x = data/x.bin\n> AT+FSCREATE=\"f\"\n< OK\n> AT+FSWRITE=\"f\",0,{len:x},10\n<prompt\n>file x\n< OK\n@store has f x\n";
    let root = directory("beside", &[("t.at", text), ("data/x.bin", "\r\nAT\r\n")]);
    check(root.join("t.at")).unwrap();
    assert!(check(root.join("missing.at")).is_err());
}

#[test]
fn files_outlive_a_restart_and_the_rest_does_not() {
    check_str("> ATE0\n< OK\n@store put a \"x\"\n@restart\n> AT\n< OK\n@store has a \"x\"\n@store lacks b\n")
        .unwrap();
    assert!(fails("@store put a \"x\"\n@store has a \"y\"\n").contains("another content"));
    assert!(fails("@store has a \"y\"\n").contains("there is no file a"));
    assert!(fails("@store put a \"x\"\n@store lacks a\n").contains("there is a file a"));
}

#[test]
fn a_failing_or_slow_store_is_seen_by_the_module() {
    check_str("@store fails on\n> AT+FSCREATE=\"f\"\n< ERROR\n@store fails off\n> AT+FSCREATE=\"f\"\n< OK\n")
        .unwrap();
    check_str("@store hold on\n> AT+FSCREATE=\"f\"\n@silence 5s\n@store hold off\n< OK\n").unwrap();
    // What is typed meanwhile waits.
    check_str(
        "@store hold on\n> AT+FSCREATE=\"f\"\n>> AT\\r\n@silence 5s\n@store hold off\n< OK\n<< AT\\r\n< OK\n",
    )
    .unwrap();
}

#[test]
fn a_stalled_line_takes_nothing_until_it_does() {
    check_str("@echo off\n@stall on\n> AT\n@silence 5s\n@stall off\n<< AT\\r\n< OK\n").unwrap();
}

#[test]
fn lines_are_apart() {
    check_str("> ATE0\n< OK\n1> AT\n1< OK\n@echo off\n> AT\n< OK\n1> AT\n1< OK\n").unwrap();
}

#[test]
fn settings_of_a_line_have_their_place_in_what_is_said() {
    check_str("> AT+IPR=9600\n< OK\n@line-setting rate 9600\n@line-setting none\n").unwrap();
    check_str("> AT+IPR=9600\n< OK\n").unwrap();
    let report = fails("> AT+IPR=9600\n@line-setting rate 9600\n< OK\n");
    assert!(report.contains("has set rate 9600 behind 6 bytes more than were expected"), "{report}");
    let report = fails("> AT+IPR=9600\n< OK\n> AT\n< OK\n@line-setting rate 9600\n");
    assert!(report.contains("in front of the last 9 bytes expected"), "{report}");
    let report = fails("> AT+IPR=9600\n< OK\n@line-setting none\n");
    assert!(report.contains("has set something about line 0"), "{report}");
    let report = fails("> AT\n< OK\n@within 1s\n@line-setting dcd on\n");
    assert!(report.contains("has not set dcd on on line 0"), "{report}");
}

#[test]
fn dtr_reaches_the_module() {
    check_str("> AT+CSCLK=1\n< OK\n@wait 1s\n@dtr off\n>> AT\\r\n@silence 5s\n@dtr on\n> AT\n< OK\n")
        .unwrap();
}

#[test]
fn unknown_profiles_are_refused() {
    assert!(fails("@module profile no-such\n> AT\n< OK").contains("no profile called no-such"));
}

/// What hosts send, in pieces that may follow each other in any order.
const WORDS: &[&str] = &[
    "AT",
    "\r",
    "\n",
    ";",
    "\x08",
    "\x1a",
    "\x1b",
    "A/",
    "E0",
    "V0",
    "Q1",
    "+CMEE=2",
    "+CIPMUX=1",
    "+CIPQSEND=1",
    "+CSTT",
    "+CIICR",
    "+CIFSR",
    "+CIPSTATUS",
    "+CIPSTART=TCP,h,1",
    "+CIPSTART=0,TCP,h,1",
    "+CIPSEND",
    "+CIPSEND=3",
    "+CIPCLOSE",
    "+CIPSHUT",
    "+FSCREATE=f",
    "+FSWRITE=f,0,3,5",
    "+FSREAD=f,0,9,0",
    "+FSDEL=f",
    "+FSLS=/",
    "+SSLCFG=seclevel,0",
    "+CFUN=0",
    "+CFUN=1,1",
    "+RESET",
    "+CPOWD=1",
    "+CPIN?",
    "+CREG=2",
    "+CGATT=0",
    "+CCLK?",
    "abc",
    ",",
    "=",
    "?",
    "\"",
    "&F",
    "&W",
    "Z",
    " ",
];

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_get_the_same_answers(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            prop::collection::vec(prop::sample::select(WORDS), 1..12).prop_map(|words| words.concat().into_bytes()),
            "(AT|at)?[+A-Z&;,=?\"0-9\\r\\n ]{0,40}\r".prop_map(String::into_bytes),
        ],
        cuts in prop::collection::vec(0usize..64, 0..6),
    ) {
        let setup = Setup::new(0, 1, 1_600_000_000_000);
        let whole = answers(&setup, &bytes, &[]).unwrap();
        prop_assert_eq!(answers(&setup, &bytes, &cuts).unwrap(), whole);
    }
}
