//! Parameters, case by case.

use modemtwin_at::{Arg, ArgError, ArgErrorKind, Args};

fn error(index: usize, kind: ArgErrorKind) -> ArgError {
    ArgError { index, kind }
}

#[test]
fn quoted_bare_and_omitted() {
    let mut args = Args::new(b"\"a,b\", c d ,,\"\"");
    assert_eq!(args.left(), 4);
    assert_eq!(args.arg(), Ok(Arg::Quoted(b"a,b")));
    assert_eq!(args.arg(), Ok(Arg::Bare(b"c d")));
    assert_eq!(args.arg(), Ok(Arg::Omitted));
    assert_eq!(args.arg(), Ok(Arg::Quoted(b"")));
    assert_eq!(args.left(), 0);
    assert_eq!(args.arg(), Ok(Arg::Omitted));
    assert_eq!(args.finish(), Ok(()));
}

#[test]
fn no_text_is_one_omitted_parameter() {
    let mut args = Args::new(b"");
    assert_eq!(args.left(), 1);
    assert_eq!(args.clone().finish(), Ok(()));
    assert_eq!(args.number(0..=9), Err(error(1, ArgErrorKind::Missing)));
    assert_eq!(args.finish(), Ok(()));
}

#[test]
fn a_trailing_comma_is_one_more_omitted_parameter() {
    let mut args = Args::new(b"1,");
    assert_eq!(args.number(1..=1), Ok(1));
    assert_eq!(args.clone().finish(), Err(error(2, ArgErrorKind::Excess)));
    assert_eq!(args.arg(), Ok(Arg::Omitted));
    assert_eq!(args.finish(), Ok(()));
}

#[test]
fn numbers_may_be_quoted_and_are_decimal() {
    for text in ["57513", "\"57513\"", " 57513 ", "\" 57513 \"", "0057513"] {
        assert_eq!(Args::new(text.as_bytes()).number(1..=65535), Ok(57513), "{text}");
    }
    for text in ["0x10", "1a", "-1", "+1", "1.0", "1 2", "\"\"", "\u{661}", "00000000000000000001"] {
        let number = Args::new(text.as_bytes()).number(0..=65535);
        assert_eq!(number, Err(error(1, ArgErrorKind::NotANumber)), "{text}");
    }
}

#[test]
fn ranges_include_both_ends() {
    let number = |text: &[u8]| Args::new(text).number(1..=300);
    assert_eq!((number(b"1"), number(b"300")), (Ok(1), Ok(300)));
    let outside = Err(error(1, ArgErrorKind::OutOfRange(1, 300)));
    for text in [b"0".as_slice(), b"301", b"4294967296", b"4294967297", b"9999999999999999999"] {
        assert_eq!(number(text), outside, "{}", text.escape_ascii());
    }
    assert_eq!(Args::new(b"4294967295").number(0..=u32::MAX), Ok(u32::MAX));
}

#[test]
fn small_numbers_and_flags() {
    assert_eq!(Args::new(b"153").small(0..=153), Ok(153));
    assert_eq!(Args::new(b"256").small(0..=255), Err(error(1, ArgErrorKind::OutOfRange(0, 255))));
    assert_eq!((Args::new(b"0").flag(), Args::new(b"1").flag()), (Ok(false), Ok(true)));
    assert_eq!(Args::new(b"2").flag(), Err(error(1, ArgErrorKind::OutOfRange(0, 1))));
}

#[test]
fn an_omitted_number_is_not_a_bad_one() {
    let mut args = Args::new(b",x");
    assert_eq!(args.opt_number(0..=1), Ok(None));
    assert_eq!(args.opt_number(0..=1), Err(error(2, ArgErrorKind::NotANumber)));
    assert_eq!(args.opt_number(0..=1), Ok(None));
}

#[test]
fn text_has_a_limit_in_bytes_and_is_utf8() {
    assert_eq!(Args::new("\"\u{e9}\u{e9}\"".as_bytes()).text(4), Ok("\u{e9}\u{e9}"));
    assert_eq!(Args::new(b"\"abcde\"").text(4), Err(error(1, ArgErrorKind::TooLong(4))));
    assert_eq!(Args::new(b"\"\xff\"").text(4), Err(error(1, ArgErrorKind::NotText)));
    assert_eq!(Args::new(b"\"\xff\"").opt_bytes(), Ok(Some(b"\xff".as_slice())));
    assert_eq!(Args::new(b"\"\"").text(4), Ok(""));
    assert_eq!(Args::new(b"").text(4), Err(error(1, ArgErrorKind::Missing)));
}

#[test]
fn text_outside_quotes_is_malformed() {
    for text in [b"x\"a\"".as_slice(), b"\"a\"x", b"\"a\" \"b\"", b"\"", b"\"a\"\"b\""] {
        let arg = Args::new(text).arg();
        assert_eq!(arg, Err(error(1, ArgErrorKind::Malformed)), "{}", text.escape_ascii());
    }
}

#[test]
fn errors_name_the_parameter() {
    let mut args = Args::new(b"1,x,9");
    assert_eq!(args.number(0..=9), Ok(1));
    let text = |error: Result<_, ArgError>| error.err().map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(text(args.number(0..=9)), "parameter 2 is not a number");
    assert_eq!(text(args.clone().number(0..=0)), "parameter 3 has to be 0");
    assert_eq!(text(args.number(0..=8)), "parameter 3 is not within 0 to 8");
    assert_eq!(text(args.number(0..=8)), "parameter 4 is missing");
    assert_eq!(args.error(ArgErrorKind::Excess).to_string(), "parameter 4 is one too many");
    assert_eq!(args.error(ArgErrorKind::TooLong(7)).to_string(), "parameter 4 is longer than 7 bytes");
    assert_eq!(args.error(ArgErrorKind::NotText).to_string(), "parameter 4 is not valid text");
    assert_eq!(args.error(ArgErrorKind::Malformed).to_string(), "parameter 4 has text outside its quotes");
}

#[test]
fn what_is_missing_at_the_end_is_counted_too() {
    let mut args = Args::new(b"\"a\",0");
    assert_eq!(args.text(4), Ok("a"));
    assert_eq!(args.number(0..=1), Ok(0));
    assert_eq!(args.number(1..=9), Err(error(3, ArgErrorKind::Missing)));
    let mut args = Args::new(b"TCP");
    assert_eq!(args.text(4), Ok("TCP"));
    assert_eq!(args.opt_text(4), Ok(None));
    assert_eq!(args.number(1..=9), Err(error(3, ArgErrorKind::Missing)));
    args.finish().unwrap();
}
