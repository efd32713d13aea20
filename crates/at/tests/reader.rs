//! The line discipline, case by case.

use modemtwin_at::{DataEnd, DataKind, Event, Reader};

/// What one line's reader said: the events with their bytes, and everything echoed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    events: Vec<(Event, String)>,
    echo: String,
}

/// Hands `bytes` in and takes everything that comes out.
fn feed(reader: &mut Reader, bytes: &[u8]) -> Heard {
    let mut heard = Heard::default();
    let mut echo = Vec::new();
    reader.push(bytes);
    while let Some(event) = reader.next(&mut echo) {
        let content = match event {
            Event::Line | Event::Repeat => {
                let text = reader.take_text();
                let copy = text.clone();
                reader.recycle(text);
                copy
            }
            Event::Overlong => Vec::new(),
            Event::Data(_) => reader.take_data(),
            Event::Stream => reader.take_stream(),
        };
        heard.events.push((event, content.escape_ascii().to_string()));
    }
    heard.echo = echo.escape_ascii().to_string();
    heard
}

fn lines(bytes: &[u8]) -> Vec<String> {
    feed(&mut Reader::new(100), bytes).events.into_iter().map(|(_, content)| content).collect()
}

fn echo(bytes: &[u8]) -> String {
    feed(&mut Reader::new(100), bytes).echo
}

#[test]
fn cr_ends_a_line_and_is_echoed() {
    let heard = feed(&mut Reader::new(100), b"AT\rATI\r");
    assert_eq!(heard.events, [(Event::Line, "AT".into()), (Event::Line, "ATI".into())]);
    assert_eq!(heard.echo, r"AT\rATI\r");
}

#[test]
fn a_lf_after_the_cr_is_swallowed_and_not_echoed() {
    assert_eq!(lines(b"AT\r\nATI\r\n"), ["AT", "ATI"]);
    assert_eq!(echo(b"AT\r\nATI\r\n"), r"AT\rATI\r");
}

#[test]
fn a_lf_is_swallowed_in_a_later_read_too() {
    let mut reader = Reader::new(100);
    assert_eq!(feed(&mut reader, b"AT\r").events.len(), 1);
    assert_eq!(feed(&mut reader, b"\n"), Heard::default());
    let heard = feed(&mut reader, b"ATI\r");
    assert_eq!((heard.events, heard.echo.as_str()), (vec![(Event::Line, "ATI".into())], r"ATI\r"));
}

#[test]
fn only_one_lf_is_swallowed_and_others_are_not_part_of_the_line() {
    assert_eq!(lines(b"AT\r\n\nATI\n\r"), ["AT", "ATI"]);
    assert_eq!(echo(b"AT\r\n\nATI\n\r"), r"AT\r\nATI\n\r");
}

#[test]
fn a_lf_alone_ends_nothing() {
    assert_eq!(lines(b"AT\nAT\n"), [""; 0]);
    assert_eq!(lines(b"AT\nI\r"), ["ATI"]);
}

#[test]
fn blank_lines_are_no_lines() {
    assert_eq!(lines(b"\r\r\n  \r\n\r"), [""; 0]);
    assert_eq!(lines(b"  \rAT\r"), ["AT"]);
}

#[test]
fn without_echo_nothing_comes_back() {
    let mut reader = Reader::new(100);
    reader.set_echo(false);
    assert!(!reader.echo());
    assert_eq!(feed(&mut reader, b"ATX\x08I\r\nA/").echo, "");
}

#[test]
fn control_characters_are_not_part_of_a_line() {
    assert_eq!(lines(b"\x1b\x00A\x07T\x11I\r"), ["ATI"]);
}

#[test]
fn bytes_over_0x7f_are() {
    assert_eq!(lines(b"AT\xff\x80\r"), [r"AT\xff\x80"]);
}

#[test]
fn backspace_takes_one_back_and_erases_it_on_the_screen() {
    assert_eq!(lines(b"ATX\x08I\r"), ["ATI"]);
    assert_eq!(echo(b"ATX\x08I\r"), r"ATX\x08 \x08I\r");
}

#[test]
fn backspace_stops_at_the_start_of_the_line() {
    assert_eq!(lines(b"\x08A\x08\x08\x08AT\r"), ["AT"]);
    assert_eq!(echo(b"\x08A\x08\x08\x08AT\r"), r"A\x08 \x08AT\r");
}

#[test]
fn the_editing_character_can_be_another_but_never_cr() {
    let mut reader = Reader::new(100);
    reader.set_backspace(127);
    assert_eq!(feed(&mut reader, b"ATX\x7fI\r").events, [(Event::Line, "ATI".into())]);
    assert_eq!(feed(&mut reader, b"AT\x08I\r").events, [(Event::Line, "ATI".into())]);
    reader.set_backspace(b'\r');
    assert_eq!(feed(&mut reader, b"AT\r").events, [(Event::Line, "AT".into())]);
}

#[test]
fn a_slash_repeats_at_once() {
    let mut reader = Reader::new(100);
    feed(&mut reader, b"AT+CSQ\r");
    let heard = feed(&mut reader, b"A/");
    assert_eq!((heard.events, heard.echo.as_str()), (vec![(Event::Repeat, "AT+CSQ".into())], "A/"));
    assert_eq!(feed(&mut reader, b"a/").events, [(Event::Repeat, "AT+CSQ".into())]);
    assert_eq!(feed(&mut reader, b" A/").events, [(Event::Repeat, "AT+CSQ".into())]);
}

#[test]
fn a_slash_without_a_line_before_is_at() {
    assert_eq!(feed(&mut Reader::new(100), b"A/").events, [(Event::Repeat, "AT".into())]);
}

#[test]
fn a_slash_later_in_a_line_is_text() {
    assert_eq!(lines(b"ATA/\r"), ["ATA/"]);
    assert_eq!(lines(b"xA/\r"), ["xA/"]);
    assert_eq!(lines(b"AA/\r"), ["AA/"]);
}

#[test]
fn a_line_of_the_limit_passes_and_one_over_it_is_gone_as_a_whole() {
    let mut reader = Reader::new(5);
    assert_eq!(feed(&mut reader, b"AT123\r").events, [(Event::Line, "AT123".into())]);
    assert_eq!(feed(&mut reader, b"AT1234\r").events, [(Event::Overlong, String::new())]);
    assert_eq!(
        feed(&mut reader, b"AT1234567890 AT\rATI\r").events,
        [(Event::Overlong, String::new()), (Event::Line, "ATI".into())]
    );
}

#[test]
fn backspace_does_not_save_a_line_over_the_limit() {
    let mut reader = Reader::new(5);
    assert_eq!(feed(&mut reader, b"AT1234\x08\x08\x08\r").events, [(Event::Overlong, String::new())]);
}

#[test]
fn an_overlong_line_is_echoed_and_its_lf_swallowed() {
    let mut reader = Reader::new(2);
    assert_eq!(feed(&mut reader, b"ATI\r\nAT\r").echo, r"ATI\rAT\r");
}

/// Begins a data phase behind the first line and hands in the rest.
fn data(kind: DataKind, echo: bool, rest: &[u8]) -> (Reader, Heard) {
    let mut reader = Reader::new(100);
    feed(&mut reader, b"AT+X\r");
    reader.begin_data(kind, echo);
    let heard = feed(&mut reader, rest);
    (reader, heard)
}

#[test]
fn fixed_data_takes_every_byte_and_then_it_is_a_command_line_again() {
    let (_, heard) = data(DataKind::Fixed(6), false, b"\x1a\x1b\r\n\x00\xffAT\r");
    assert_eq!(
        heard.events,
        [(Event::Data(DataEnd::Complete), r"\x1a\x1b\r\n\x00\xff".into()), (Event::Line, "AT".into())]
    );
    assert_eq!(heard.echo, r"AT\r");
}

#[test]
fn the_commands_lf_is_not_payload() {
    let (_, heard) = data(DataKind::Fixed(3), false, b"\nabc");
    assert_eq!(heard.events, [(Event::Data(DataEnd::Complete), "abc".into())]);
    let (mut reader, heard) = data(DataKind::Fixed(3), false, b"\n");
    assert_eq!(heard, Heard::default());
    assert_eq!(feed(&mut reader, b"\nbc").events, [(Event::Data(DataEnd::Complete), r"\nbc".into())]);
}

#[test]
fn no_data_at_all_is_complete_at_once() {
    let (mut reader, heard) = data(DataKind::Fixed(0), true, b"");
    assert_eq!(heard.events, [(Event::Data(DataEnd::Complete), String::new())]);
    assert_eq!(feed(&mut reader, b"\nAT\r").events, [(Event::Line, "AT".into())]);
}

#[test]
fn fixed_data_waits_for_its_last_byte() {
    let (mut reader, heard) = data(DataKind::Fixed(4), true, b"abc");
    assert_eq!((heard.events.len(), heard.echo.as_str(), reader.data_len()), (0, "abc", 3));
    let heard = feed(&mut reader, b"defg\r");
    assert_eq!(heard.events, [(Event::Data(DataEnd::Complete), "abcd".into()), (Event::Line, "efg".into())]);
    assert_eq!(heard.echo, r"defg\r");
}

#[test]
fn text_data_ends_at_ctrl_z_or_esc() {
    let text = DataKind::Text { max: 10 };
    let (_, heard) = data(text, true, b"a\rb\n\x1aAT\r");
    assert_eq!(
        heard.events,
        [(Event::Data(DataEnd::Complete), r"a\rb\n".into()), (Event::Line, "AT".into())]
    );
    assert_eq!(heard.echo, r"a\rb\nAT\r");
    let (_, heard) = data(text, true, b"abc\x1bAT\r");
    assert_eq!(heard.events[0], (Event::Data(DataEnd::Cancelled), "abc".into()));
    let (_, heard) = data(text, true, b"\x1a");
    assert_eq!(heard.events, [(Event::Data(DataEnd::Complete), String::new())]);
}

#[test]
fn text_data_over_its_limit_is_told_at_the_end() {
    let text = DataKind::Text { max: 3 };
    let (_, heard) = data(text, false, b"abc\x1a");
    assert_eq!(heard.events, [(Event::Data(DataEnd::Complete), "abc".into())]);
    assert!(!data(text, false, b"abc").0.data_overflowed());
    let (mut reader, heard) = data(text, false, b"abcd");
    assert_eq!(heard.events, []);
    assert!(reader.data_overflowed());
    assert_eq!(feed(&mut reader, b"efg\x1a").events, [(Event::Data(DataEnd::TooLong), "abc".into())]);
    let (_, heard) = data(text, false, b"abcd\x1b");
    assert_eq!(heard.events, [(Event::Data(DataEnd::Cancelled), "abc".into())]);
}

#[test]
fn a_data_phase_can_be_ended_from_outside() {
    let (mut reader, _) = data(DataKind::Fixed(10), false, b"abc");
    assert_eq!(reader.take_data(), b"abc");
    assert_eq!(feed(&mut reader, b"AT\r").events, [(Event::Line, "AT".into())]);
}

#[test]
fn what_waits_is_counted_and_neither_read_nor_echoed_until_asked_for() {
    let mut reader = Reader::new(100);
    reader.push(b"AT\rATI\r");
    assert_eq!(reader.queued(), 7);
    let mut echo = Vec::new();
    assert_eq!(reader.next(&mut echo), Some(Event::Line));
    assert_eq!((echo.as_slice(), reader.queued()), (b"AT\r".as_slice(), 4));
}

#[test]
fn a_reset_forgets_everything_but_echo() {
    let mut reader = Reader::new(100);
    feed(&mut reader, b"AT+CSQ\r");
    reader.set_echo(false);
    reader.begin_data(DataKind::Fixed(10), true);
    feed(&mut reader, b"abc");
    reader.push(b"later");
    reader.reset();
    assert_eq!((reader.queued(), reader.data_len(), reader.echo()), (0, 0, false));
    assert_eq!(
        feed(&mut reader, b"A/AT\r").events,
        [(Event::Repeat, "AT".into()), (Event::Line, "AT".into())]
    );
}

#[test]
fn a_lf_in_the_place_of_a_cr_is_reported_once_for_each_line() {
    let mut reader = Reader::new(100);
    for (bytes, reported) in [
        ("\n  \nnoise\n\r", false),
        (" at", false),
        ("\n", true),
        ("ATI\n", false),
        ("\r", false),
        ("\nAT\r\n", false),
        ("AT+CSQ\n\n", true),
    ] {
        feed(&mut reader, bytes.as_bytes());
        assert_eq!(reader.take_line_feed(), reported, "{bytes:?}");
        assert!(!reader.take_line_feed(), "{bytes:?}");
    }
}

#[test]
fn a_stream_is_handed_over_as_it_comes_and_not_echoed() {
    let mut reader = Reader::new(100);
    assert_eq!(feed(&mut reader, b"ATO\r").events.len(), 1);
    reader.begin_stream(true);
    let heard = feed(&mut reader, b"\nAT\r\x1a\x1b");
    assert_eq!(heard.events, [(Event::Stream, r"AT\r\x1a\x1b".into())]);
    assert_eq!(heard.echo, "");
    assert_eq!(feed(&mut reader, b"\n").events, [(Event::Stream, r"\n".into())]);
    assert!(reader.take_data().is_empty());
    assert_eq!(feed(&mut reader, b"AT\r").events, [(Event::Line, "AT".into())]);
}

#[test]
fn a_stream_forgets_a_line_typed_half_and_takes_a_lf_that_is_no_commands() {
    let mut reader = Reader::new(3);
    assert_eq!(feed(&mut reader, b"AT\r").events.len(), 1);
    assert_eq!(feed(&mut reader, b"AT+CSQ").events.len(), 0);
    reader.begin_stream(false);
    assert_eq!(feed(&mut reader, b"\n\n").events, [(Event::Stream, r"\n\n".into())]);
    reader.take_data();
    assert_eq!(feed(&mut reader, b"AT\r").events, [(Event::Line, "AT".into())]);
}

#[test]
fn the_short_way_is_only_for_a_stream_that_nothing_waits_in_front_of() {
    let mut reader = Reader::new(100);
    assert_eq!(reader.pass(b"x"), None);
    assert_eq!(feed(&mut reader, b"ATO\r").events.len(), 1);
    reader.push(b"\nwaits");
    reader.begin_stream(true);
    assert_eq!(reader.pass(b"x"), None);
    assert_eq!(feed(&mut reader, b"").events, [(Event::Stream, "waits".into())]);
    assert_eq!(reader.pass(b""), None);
    assert_eq!(reader.pass(b"\nx"), Some(&b"\nx"[..]));

    let mut reader = Reader::new(100);
    assert_eq!(feed(&mut reader, b"ATO\r").events.len(), 1);
    reader.begin_stream(true);
    assert_eq!(reader.pass(b"\nx"), Some(&b"x"[..]));
    assert_eq!(reader.pass(b"\nx"), Some(&b"\nx"[..]));
}
