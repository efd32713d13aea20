//! One command line, case by case.

use modemtwin_at::{Arg, Args, Command, Commands, Form, SyntaxError, SyntaxErrorKind};

/// Prefix and name, form, parameters.
type Seen = (String, Form, String);

fn seen(command: &Command<'_>) -> Seen {
    let mut name = String::new();
    if command.prefix != 0 {
        name.push(char::from(command.prefix));
    }
    name += &command.word.escape_ascii().to_string();
    (name, command.form, command.args.escape_ascii().to_string())
}

/// A line's commands up to its end or its first error.
fn parse(line: impl AsRef<[u8]>) -> (Vec<Seen>, Option<SyntaxError>) {
    let line = line.as_ref();
    let mut commands = match Commands::new(line) {
        Ok(commands) => commands,
        Err(error) => return (vec![], Some(error)),
    };
    let mut all = Vec::new();
    loop {
        match commands.next_command() {
            None => return (all, None),
            Some(Ok(command)) => all.push(seen(&command)),
            Some(Err(error)) => return (all, Some(error)),
        }
    }
}

fn good(line: &str) -> Vec<Seen> {
    let (commands, error) = parse(line);
    assert_eq!(error, None, "{line}");
    commands
}

fn bad(line: impl AsRef<[u8]>) -> (SyntaxErrorKind, usize) {
    let error = parse(line).1.map(|error| (error.kind, error.column));
    assert!(error.is_some(), "the line is wrong");
    error.unwrap_or((SyntaxErrorKind::NotACommand, 0))
}

fn one(name: &str, form: Form, args: &str) -> Vec<Seen> {
    vec![(name.into(), form, args.into())]
}

#[test]
fn bare_at_has_no_command() {
    for line in ["AT", "at", "At", "aT", "  AT  ", "AT;", "AT ;; ; "] {
        assert_eq!(good(line), []);
    }
}

#[test]
fn the_four_forms() {
    assert_eq!(good("AT+CSQ"), one("+CSQ", Form::Execute, ""));
    assert_eq!(good("AT+CSQ?"), one("+CSQ", Form::Read, ""));
    assert_eq!(good("AT+CSQ=?"), one("+CSQ", Form::Test, ""));
    assert_eq!(good("AT+CSQ=1,2"), one("+CSQ", Form::Set, "1,2"));
    assert_eq!(good("AT+CSQ="), one("+CSQ", Form::Set, ""));
}

#[test]
fn a_question_mark_with_more_behind_it_is_a_parameter() {
    assert_eq!(good("AT+X=?1"), one("+X", Form::Set, "?1"));
    assert_eq!(good("AT+X=? "), one("+X", Form::Test, ""));
    assert_eq!(bad("AT+X?1"), (SyntaxErrorKind::Unexpected(b'1'), 6));
}

#[test]
fn all_prefixes() {
    assert_eq!(good("AT^HVER"), one("^HVER", Form::Execute, ""));
    assert_eq!(good("AT*I"), one("*I", Form::Execute, ""));
    assert_eq!(good("AT&F0"), one("&F", Form::Execute, "0"));
    assert_eq!(bad("AT%X"), (SyntaxErrorKind::Unexpected(b'%'), 3));
}

#[test]
fn basic_commands_follow_each_other_without_a_semicolon() {
    let (e, v) = (("E".into(), Form::Execute, "0".into()), ("V".into(), Form::Execute, "1".into()));
    assert_eq!(good("ATE0V1"), [e.clone(), v.clone()]);
    assert_eq!(good("AT E 0 V 1"), [e.clone(), v.clone()]);
    assert_eq!(good("ATE0;V1;"), [e, v]);
    assert_eq!(good("ATE"), one("E", Form::Execute, ""));
}

#[test]
fn a_basic_command_may_stand_in_front_of_an_extended_one() {
    let both = [("E".into(), Form::Execute, "0".into()), ("+CSQ".into(), Form::Execute, String::new())];
    assert_eq!(good("ATE0+CSQ"), both);
}

#[test]
fn s_registers_have_their_number_in_the_name() {
    assert_eq!(good("ATS3?"), one("S3", Form::Read, ""));
    assert_eq!(good("ATS3=13"), one("S3", Form::Set, "13"));
    assert_eq!(good("ATS 3 = 13"), one("S 3", Form::Set, "13"));
    let chain = [("S3".into(), Form::Set, "13".into()), ("S4".into(), Form::Read, String::new())];
    assert_eq!(good("ATS3=13S4?"), chain);
}

#[test]
fn a_dial_string_takes_the_rest() {
    assert_eq!(good("ATD*99#;x,\"1"), one("D", Form::Execute, "*99#;x,\\\"1"));
}

#[test]
fn blanks_between_parts_are_nothing() {
    let chain = [("+X".into(), Form::Set, "\\\"a;b\\\" , 1".into()), ("E".into(), Form::Execute, "0".into())];
    assert_eq!(good("AT + X = \"a;b\" , 1 ;E0"), chain);
    let line = "AT + X = \"a;b\" , 1 ;E0";
    let mut commands = Commands::new(line.as_bytes()).expect("there is an AT");
    let first = commands.next_command().expect("there is one").expect("it is good");
    let mut args = Args::new(first.args);
    assert_eq!(args.arg(), Ok(Arg::Quoted(b"a;b")));
    assert_eq!(args.number(0..=1), Ok(1));
    assert_eq!(args.finish(), Ok(()));
    assert_eq!(good("AT +SAPBR=0,1 "), one("+SAPBR", Form::Set, "0,1"));
}

#[test]
fn a_semicolon_in_quotes_is_text() {
    assert_eq!(good("AT+X=\"a;b;\""), one("+X", Form::Set, "\\\"a;b;\\\""));
}

#[test]
fn a_chain_stops_at_its_first_error() {
    let (commands, error) = parse("AT+A;+;+B");
    assert_eq!(commands, one("+A", Form::Execute, ""));
    assert_eq!(error, Some(SyntaxError { kind: SyntaxErrorKind::Unexpected(b';'), column: 7 }));
}

#[test]
fn noise_in_front_of_at_is_passed_over() {
    assert_eq!(good("0123456789012345AT+CSQ"), one("+CSQ", Form::Execute, ""));
    assert_eq!(parse(b"\xff\x80\"x at+csq").0, one("+csq", Form::Execute, ""));
}

#[test]
fn a_line_without_at_is_no_command() {
    assert_eq!(bad("hello"), (SyntaxErrorKind::NotACommand, 1));
    assert_eq!(bad(""), (SyntaxErrorKind::NotACommand, 1));
    assert_eq!(bad("A T"), (SyntaxErrorKind::NotACommand, 1));
}

#[test]
fn names_are_compared_whole_and_in_any_case() {
    let mut commands = Commands::new(b"at+CsQ&fe").expect("there is an AT");
    assert_eq!(commands.next_command().map(|c| c.is_err()), Some(true), "nothing joins + and &");
    for (line, name, same) in [
        ("AT+csq", "+CSQ", true),
        ("AT+CSQX", "+CSQ", false),
        ("AT+CS", "+CSQ", false),
        ("AT^CSQ", "+CSQ", false),
        ("ATE1", "E", true),
        ("AT&E", "E", false),
        ("ats3?", "S3", true),
        ("ATS33?", "S3", false),
        ("AT S 3 ?", "S3", true),
    ] {
        let command = Commands::new(line.as_bytes()).expect("there is an AT").next_command();
        assert_eq!(command.map(|command| command.map(|command| command.is(name))), Some(Ok(same)), "{line}");
    }
}

#[test]
fn typographic_quotes_are_named_with_their_column() {
    for (bytes, quote) in [
        (b"\xe2\x80\x9c".as_slice(), '\u{201C}'),
        (b"\xe2\x80\x9d", '\u{201D}'),
        (b"\xe2\x80\x98", '\u{2018}'),
        (b"\xe2\x80\x99", '\u{2019}'),
        (b"\xe2\x80\x9e", '\u{201E}'),
        (b"\xef\xbc\x82", '\u{FF02}'),
        (b"\xa1\xb0", '\u{201C}'),
        (b"\xa1\xb1", '\u{201D}'),
        (b"\xa1\xae", '\u{2018}'),
        (b"\xa1\xaf", '\u{2019}'),
        (b"\xa3\xa2", '\u{FF02}'),
    ] {
        let mut line = b"AT+FSCREATE=".to_vec();
        line.extend_from_slice(bytes);
        line.extend_from_slice(b"ca.crt\"");
        assert_eq!(bad(&line), (SyntaxErrorKind::TypographicQuote(quote), 13), "{bytes:x?}");
    }
    let error = parse("AT+SSLCFG=\"cacert\",0,\u{201D}ca.crt\u{201D}").1.map(|error| error.to_string());
    let text = "typographic quotation mark \u{201D} (U+201D) where an ASCII \" (U+0022) belongs at column 22";
    assert_eq!(error.as_deref(), Some(text));
}

#[test]
fn other_bytes_over_0x7f_are_for_quotes_only() {
    assert_eq!(bad(b"AT+X=\xff"), (SyntaxErrorKind::NotAscii(0xFF), 6));
    assert_eq!(bad(b"AT+\xe4\xb8"), (SyntaxErrorKind::NotAscii(0xE4), 4));
    assert_eq!(bad(b"AT+X=\x7f"), (SyntaxErrorKind::Unexpected(0x7F), 6));
    assert_eq!(parse(b"AT+X=\"\xff\xe2\x80\x9d\"").1, None);
}

#[test]
fn an_open_quote_is_reported_where_it_opens() {
    assert_eq!(bad("AT+X=1,\"abc"), (SyntaxErrorKind::OpenQuote, 8));
    assert_eq!(bad("AT+X=\"a\"\""), (SyntaxErrorKind::OpenQuote, 9));
}

#[test]
fn errors_read_well() {
    let text = |line: &str| parse(line).1.map(|error| error.to_string()).unwrap_or_default();
    assert_eq!(text("hello"), "the line has no AT in it");
    assert_eq!(text("AT+"), "the line ends too early at column 4");
    assert_eq!(text("AT=1"), "unexpected `=` at column 3");
    assert_eq!(text("AT+X=\u{7f}"), "unexpected byte 0x7F at column 6");
    assert_eq!(text("AT+X=\u{e9}"), "byte 0xC3 outside quotes is not ASCII at column 6");
    assert_eq!(text("AT+X=\""), "a quote that is not closed at column 6");
}

#[test]
fn a_line_can_be_gone_on_with() {
    let line = b"AT+A;+B=1;E0";
    let mut commands = Commands::new(line).expect("there is an AT");
    commands.next_command();
    let mut rest = Commands::resume(line, commands.position());
    let second = rest.next_command().expect("there is one").expect("it is good");
    assert_eq!((seen(&second), second.at), (("+B".into(), Form::Set, "1".into()), 5));
    assert_eq!(Commands::resume(line, 1000).next_command(), None);
}
