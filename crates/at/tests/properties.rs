//! What holds for any bytes, in any portions.

use modemtwin_at::{Arg, Args, Commands, DataKind, Event, Form, Reader};
use proptest::prelude::*;
use proptest::{collection::vec, option, sample};

/// Short, so that random lines go over it.
const LIMIT: usize = 24;

/// One thing that came out of a reader, and how much had been echoed by then.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    event: Event,
    content: Vec<u8>,
    echoed: usize,
}

/// What a command does to its line's reader.
#[derive(Clone, Copy, Debug)]
enum Act {
    Data(DataKind, bool),
    Echo(bool),
    Backspace(u8),
    /// Leaves the text with the reader instead of handing it back.
    Drop,
}

/// Feeds `portions`; the n-th event is followed by the n-th of `acts`.
fn read(portions: &[&[u8]], acts: &[Option<Act>]) -> (Vec<Seen>, Vec<u8>) {
    let mut reader = Reader::new(LIMIT);
    let (mut seen, mut echo) = (Vec::new(), Vec::new());
    for portion in portions {
        reader.push(portion);
        while let Some(event) = reader.next(&mut echo) {
            let act = acts.get(seen.len()).copied().flatten();
            let content = match event {
                Event::Line | Event::Repeat => reader.take_text(),
                Event::Overlong => Vec::new(),
                Event::Data(_) => reader.take_data(),
                Event::Stream => reader.take_stream(),
            };
            seen.push(Seen { event, content: content.clone(), echoed: echo.len() });
            if matches!(event, Event::Line | Event::Repeat) && !matches!(act, Some(Act::Drop)) {
                reader.recycle(content);
            }
            match act {
                Some(Act::Data(kind, echo)) => reader.begin_data(kind, echo),
                Some(Act::Echo(on)) => reader.set_echo(on),
                Some(Act::Backspace(character)) => reader.set_backspace(character),
                Some(Act::Drop) | None => {}
            }
        }
        assert_eq!(reader.queued(), 0, "everything was read");
    }
    (seen, echo)
}

/// Cuts `bytes` before each of `cuts`.
fn portions<'a>(bytes: &'a [u8], cuts: &[sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut start = 0;
    let mut portions: Vec<&[u8]> = Vec::new();
    for cut in cuts.into_iter().chain([bytes.len()]) {
        portions.push(&bytes[start..cut]);
        start = cut;
    }
    portions
}

/// Bytes of which many mean something to the reader.
fn line_bytes() -> impl Strategy<Value = Vec<u8>> {
    let telling = sample::select(b"AATTaatt//;+=?\",01 \r\r\r\r\n\n\n\x08\x08\x1a\x1a\x1b".as_slice());
    let byte = prop_oneof![4 => telling, 1 => any::<u8>()];
    prop_oneof![
        vec(byte, 0..200),
        // Commands with their line ends, so that data phases begin often.
        vec(
            sample::select(&["AT\r", "AT\r\n", "A/", "ATI;E0\r", "\n", "12345", "\x1a", "\x1b", "  \r"]),
            0..40
        )
        .prop_map(|parts| parts.concat().into_bytes()),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let kind = prop_oneof![
        (0usize..12).prop_map(DataKind::Fixed),
        (0usize..12).prop_map(|max| DataKind::Text { max }),
        (0usize..12).prop_map(|max| DataKind::Raw { max }),
    ];
    prop_oneof![
        4 => (kind, any::<bool>()).prop_map(|(kind, echo)| Act::Data(kind, echo)),
        1 => any::<bool>().prop_map(Act::Echo),
        1 => any::<u8>().prop_map(Act::Backspace),
        1 => Just(Act::Drop),
    ]
}

fn name() -> impl Strategy<Value = String> {
    ("[+^*]", "[A-Za-z0-9]{1,8}").prop_map(|(prefix, word)| prefix + &word)
}

/// One parameter: as typed, and as it should be read.
fn parameter() -> impl Strategy<Value = (String, Option<String>)> {
    prop_oneof![
        Just((String::new(), None)),
        "[ -!#-~\u{80}-\u{7ff}]{0,12}".prop_map(|text| (format!("\"{text}\""), Some(text))),
        "[!#-+\\-:<-~]{1,12}".prop_map(|text| (text.clone(), Some(text))),
        any::<u32>().prop_map(|number| (number.to_string(), Some(number.to_string()))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn portions_change_nothing(
        bytes in line_bytes(),
        cuts in vec(any::<sample::Index>(), 0..20),
        acts in vec(option::of(act()), 0..40),
    ) {
        let whole = read(&[&bytes], &acts);
        prop_assert_eq!(&read(&portions(&bytes, &cuts), &acts), &whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&read(&single, &acts), &whole);
    }

    #[test]
    fn a_reader_keeps_to_its_limits(bytes in vec(any::<u8>(), 0..400), acts in vec(option::of(act()), 0..40)) {
        let (seen, echo) = read(&[&bytes], &acts);
        for one in &seen {
            prop_assert!(one.content.len() <= LIMIT, "{:?}", one);
        }
        // A backspace is echoed as three bytes, everything else as at most one.
        prop_assert!(echo.len() <= 3 * bytes.len());
    }

    #[test]
    fn any_line_comes_to_an_end(line in prop_oneof![vec(any::<u8>(), 0..100), line_bytes()]) {
        let Ok(mut commands) = Commands::new(&line) else {
            prop_assert!(!line.to_ascii_uppercase().windows(2).any(|pair| pair == b"AT"));
            return Ok(());
        };
        let mut before = commands.position();
        loop {
            let one = commands.next_command();
            let position = commands.position();
            prop_assert!(position <= line.len());
            // A line that is gone on with is the same line.
            prop_assert_eq!(Commands::resume(&line, before).next_command(), one);
            match one {
                None => break,
                Some(Ok(command)) => {
                    prop_assert!(position > before && command.at >= before);
                    let mut args = Args::new(command.args);
                    let left = args.left();
                    for _ in 0..left {
                        let _ = args.arg();
                    }
                    prop_assert_eq!((args.left(), args.finish()), (0, Ok(())));
                }
                Some(Err(error)) => {
                    prop_assert!((1..=line.len() + 1).contains(&error.column));
                    prop_assert!(!error.to_string().is_empty());
                    break;
                }
            }
            before = position;
        }
    }

    #[test]
    fn any_parameters_can_be_asked_for_anything(text in vec(any::<u8>(), 0..60), asks in vec(0..7u8, 0..10)) {
        let mut args = Args::new(&text);
        for ask in asks {
            let error = match ask {
                0 => args.arg().err(),
                1 => args.opt_bytes().err(),
                2 => args.text(8).err(),
                3 => args.opt_number(3..=300).err(),
                4 => args.small(0..=255).err(),
                5 => args.flag().err(),
                _ => args.finish().err(),
            };
            if let Some(error) = error {
                prop_assert!(error.index >= 1 && !error.to_string().is_empty());
            }
        }
    }

    #[test]
    fn what_is_written_is_what_is_read(
        noise in "[0-9 \"+;=]{0,12}",
        commands in vec((name(), 0..4u8, vec(parameter(), 1..5)), 1..5),
        blanks in sample::select(&["", " ", "  "]),
    ) {
        let mut line = noise + "AT";
        for (name, form, parameters) in &commands {
            let (prefix, word) = name.split_at(1);
            line += &format!("{blanks}{prefix}{blanks}{word}{blanks}");
            match form {
                0 => {}
                1 => line += "?",
                2 => line += &format!("={blanks}?"),
                _ => {
                    let typed: Vec<&str> = parameters.iter().map(|(typed, _)| typed.as_str()).collect();
                    line += &format!("={blanks}{}", typed.join(&format!("{blanks},{blanks}")));
                }
            }
            line += &format!("{blanks};");
        }
        let mut read = Commands::new(line.as_bytes()).expect("there is an AT");
        for (name, form, parameters) in &commands {
            let command = read.next_command().expect("there is one more").expect("it is well formed");
            prop_assert!(command.is(name), "{} in {}", name, line);
            // A lone `?` as the only parameter is the test form, by definition.
            let lone = parameters.len() == 1 && parameters[0].0 == "?";
            let expected = [Form::Execute, Form::Read, Form::Test, Form::Set][usize::from(*form)];
            if expected == Form::Set && lone {
                prop_assert_eq!(command.form, Form::Test);
                continue;
            }
            prop_assert_eq!(command.form, expected);
            if expected == Form::Set {
                let mut args = Args::new(command.args);
                prop_assert_eq!(args.left(), parameters.len());
                for (_, value) in parameters {
                    let got = match args.arg().expect("it is well formed") {
                        Arg::Omitted => None,
                        Arg::Quoted(bytes) | Arg::Bare(bytes) => Some(bytes.to_vec()),
                    };
                    prop_assert_eq!(got, value.clone().map(String::into_bytes));
                }
                prop_assert_eq!(args.finish(), Ok(()));
            }
        }
        prop_assert_eq!(read.next_command(), None);
    }
}
