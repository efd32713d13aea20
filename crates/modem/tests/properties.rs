//! What holds for any bytes on a line: no panic, and how they were portioned changes nothing.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem as modem;
use proptest::prelude::*;
use proptest::{collection::vec, sample};
use testkit::answers;

const UNIX_MILLIS: i64 = 1_600_000_000_000;

/// Everything said in answer to `bytes`, whole, byte by byte and cut at `cuts`: always the same.
fn same(setup: &modem::Setup, bytes: &[u8], cuts: &[sample::Index]) -> Result<Vec<u8>, TestCaseError> {
    let whole = said(setup, bytes, &[])?;
    let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    prop_assert_eq!(&readable(&said(setup, bytes, &cuts)?), &readable(&whole), "cut at {:?}", cuts);
    let all: Vec<usize> = (0..bytes.len()).collect();
    prop_assert_eq!(&readable(&said(setup, bytes, &all)?), &readable(&whole), "byte by byte");
    Ok(whole)
}

fn said(setup: &modem::Setup, bytes: &[u8], cuts: &[usize]) -> Result<Vec<u8>, TestCaseError> {
    answers(setup, bytes, cuts).map_err(|error| TestCaseError::fail(error.to_string()))
}

fn readable(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Any module: with a card, without, locked, off the network, with a UART that does not know its bit rate.
fn setup() -> impl Strategy<Value = modem::Setup> {
    (0..6u8, any::<u64>(), 0..1_000_000u32).prop_map(|(kind, seed, instance)| {
        let mut setup = modem::Setup::new(instance, seed, UNIX_MILLIS);
        match kind {
            1 => setup.world.card = None,
            2 => setup.world.card = Some(modem::Card { pin: Some("1234".into()), ..modem::Card::default() }),
            3 => setup.world.coverage = modem::Coverage::Searching,
            4 => setup.world.bearer = false,
            5 => setup.lines = vec![modem::LineKind::AutoBaud],
            _ => {}
        }
        setup
    })
}

/// Any bytes, those that mean something to a line among them more often.
fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = sample::select(b"AATTaatt//;+=?\",0123 \r\r\r\r\n\n\x08\x1a\x1b\xff\xfe".as_slice());
    vec(prop_oneof![3 => telling, 1 => any::<u8>()], 0..300)
}

/// One parameter, good or bad.
fn parameter() -> impl Strategy<Value = Vec<u8>> {
    let text = |pattern: &'static str| pattern.prop_map(String::into_bytes);
    prop_oneof![
        4 => (0..12u32).prop_map(|number| number.to_string().into_bytes()),
        1 => any::<u32>().prop_map(|number| number.to_string().into_bytes()),
        1 => Just(b"99999999999999999999999".to_vec()),
        1 => Just(Vec::new()),
        1 => Just(b"\"\"".to_vec()),
        2 => text("\"[a-z./:0-9]{0,12}\""),
        1 => text("[a-zA-Z0-9.*#-]{1,12}"),
        1 => vec(any::<u8>(), 0..8),
        1 => Just(b"\"\xff\xfe\"".to_vec()),
        1 => Just("\u{201C}ca.crt\u{201D}".as_bytes().to_vec()),
        // Words that lead deeper than any chance would.
        4 => sample::select(&[
            "TCP", "\"UDP\"", "\"192.0.2.1\"", "example.com", "80", "\"cacert\"", "\"sslversion\"",
            "\"ciphersuite\"", "0XFFFF", "\"ca.crt\"", "1234", "12345678", "\"18/08/07,13:28:31+32\"", "5", "1460",
        ]).prop_map(|word| word.as_bytes().to_vec()),
    ]
}

/// A command that exists, in any form, with any parameters.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let names: Vec<&'static str> = modem::commands().map(|(_, command)| command.name).collect();
    (sample::select(names), 0..6u8, vec(parameter(), 0..5), any::<bool>()).prop_map(
        |(name, form, parameters, lower)| {
            let mut text = if lower { name.to_lowercase() } else { name.to_owned() }.into_bytes();
            match form {
                0 => {}
                1 => text.push(b'?'),
                2 => text.extend_from_slice(b"=?"),
                _ => {
                    text.push(b'=');
                    text.extend_from_slice(&parameters.join(&b","[..]));
                }
            }
            text
        },
    )
}

/// A command line, or what stands between two.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let end = sample::select(&["\r", "\r\n", "\r", "\n", "", "\r\r"]);
    let chain = (vec(command(), 1..4), end).prop_map(|(commands, end)| {
        let mut line = b"AT".to_vec();
        line.extend_from_slice(&commands.join(&b";"[..]));
        line.extend_from_slice(end.as_bytes());
        line
    });
    prop_oneof![
        8 => chain,
        1 => vec(any::<u8>(), 0..40),
        1 => Just(b"A/".to_vec()),
        1 => Just(b"\x1a".to_vec()),
        1 => Just(b"\x1b".to_vec()),
        1 => Just(b"ATE0\r".to_vec()),
        1 => Just(b"ATQ1V0\r".to_vec()),
        // The way to an open link, so that what needs one is reached.
        2 => Just(b"AT+CIPSHUT\rAT+CSTT\rAT+CIICR\rAT+CIFSR\rAT+CIPSTART=TCP,example.com,80\r".to_vec()),
        1 => Just(b"AT+CIPSHUT\rAT+CIPMUX=1\rAT+CIPSSL=1\r".to_vec()),
        1 => Just(b"AT+FSCREATE=\"f\"\rAT+FSWRITE=\"f\",0,5,10\r12345".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_answered_however_they_are_cut(
        setup in setup(),
        echo in any::<bool>(),
        bytes in any_bytes(),
        cuts in vec(any::<sample::Index>(), 0..12),
    ) {
        let mut all = if echo { Vec::new() } else { b"ATE0\r".to_vec() };
        all.extend_from_slice(&bytes);
        same(&setup, &all, &cuts)?;
    }

    #[test]
    fn garbage_that_looks_like_commands_is_answered(
        setup in setup(),
        echo in any::<bool>(),
        lines in vec(line(), 1..12),
        cuts in vec(any::<sample::Index>(), 0..12),
    ) {
        let mut all = if echo { Vec::new() } else { b"ATE0\r".to_vec() };
        all.extend_from_slice(&lines.concat());
        same(&setup, &all, &cuts)?;
    }

    #[test]
    fn a_module_with_all_its_limits_hit_still_answers(length in 16_000..40_000usize, seed in any::<u64>()) {
        let setup = modem::Setup::new(0, seed, UNIX_MILLIS);
        let mut bytes = b"ATE0\rAT".to_vec();
        // There is no command Y.
        bytes.resize(length, b'y');
        bytes.extend_from_slice(b"\rAT\r");
        let whole = said(&setup, &bytes, &[])?;
        prop_assert!(whole.ends_with(b"\r\nERROR\r\n\r\nOK\r\n"), "{}", readable(&whole));
    }
}

#[test]
fn what_a_line_leads_to_is_said_before_the_next_line_is_read() {
    let setup = modem::Setup::new(0, 0, UNIX_MILLIS);
    let said = same(&setup, b"ATE0\rAT+CFUN=0\rAT+CFUN?\r", &[]).unwrap();
    let wanted =
        "ATE0\\r\\r\\nOK\\r\\n\\r\\nOK\\r\\n\\r\\n+CGEV: ME DETACH\\r\\n\\r\\n+CFUN: 0\\r\\n\\r\\nOK\\r\\n";
    assert_eq!(readable(&said), wanted);
}

/// The sum of ISO/IEC 7812-1: 0 modulo 10 for a good number.
fn luhn(number: &str) -> u32 {
    let weigh = |(place, digit): (usize, u32)| {
        let value = if place % 2 == 1 { digit * 2 } else { digit };
        value / 10 + value % 10
    };
    number.chars().rev().filter_map(|digit| digit.to_digit(10)).enumerate().map(weigh).sum::<u32>() % 10
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_instance_is_somebody_else(one in 0..1_000_000u32, other in 0..1_000_000u32, seed in any::<u64>()) {
        let numbers = |instance, seed| {
            let setup = modem::Setup::new(instance, seed, UNIX_MILLIS);
            [setup.imei(), setup.imsi(), setup.iccid()]
        };
        let [imei, imsi, iccid] = numbers(one, seed);
        prop_assert_eq!((imei.len(), imsi.len(), iccid.len()), (15, 15, 20));
        prop_assert!([&imei, &imsi, &iccid].iter().all(|number| number.bytes().all(|b| b.is_ascii_digit())));
        prop_assert_eq!((luhn(&imei), luhn(&iccid)), (0, 0));
        prop_assert_eq!(numbers(one, !seed), numbers(one, seed), "the seed has no say in it");
        if one != other {
            for (mine, theirs) in numbers(one, seed).iter().zip(numbers(other, seed)) {
                prop_assert_ne!(mine, &theirs);
            }
        }
    }
}

#[test]
fn a_million_instances_have_a_million_numbers() {
    let numbers = |number: fn(&modem::Setup) -> String| {
        let mut setup = modem::Setup::new(0, 1, UNIX_MILLIS);
        let all: std::collections::HashSet<String> = (0..1_000_000)
            .map(|instance| {
                setup.instance = instance;
                number(&setup)
            })
            .collect();
        all.len()
    };
    assert_eq!(numbers(modem::Setup::imei), 1_000_000);
    assert_eq!(numbers(modem::Setup::imsi), 1_000_000);
    assert_eq!(numbers(modem::Setup::iccid), 1_000_000);
}
