//! AT&W, AT&F and ATZ, for every setting there is: what is stored comes back whole, and nothing is forgotten.
// @covers gen.store gen.factory gen.atz.stored gen.creg.stored gen.atq.stored
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_modem::{
    Input, LineId, Modem, Output, Section, Setup, StoreReply, StoreRequest, Ticket, Time, WorldChange,
};

/// Gives every setting that AT&W stores another value than the factory's. A new setting belongs here.
const ANOTHER: &[&str] = &[
    "ATE0",
    "ATX3L2M1",
    "AT&C0&D1",
    "ATS0=1S6=3S7=60S8=4S10=20S5=127",
    "AT+CMEE=2",
    "AT+IPR=9600;+ICF=2,1;+IFC=2,1",
    "AT+CSCLK=2;+WAKETIM=9",
    "AT+CSCS=\"UCS2\"",
    "AT+CTZU=0;+CLTS=0",
    "AT+CMGF=1;+CSDH=1;+CSMS=1;+CNMI=1,2,1,1,1;+CSMP=49,11,0,8",
    "AT+CPMS=\"ME\",\"ME\",\"ME\"",
    "AT+CSDT=0",
    "AT+CREG=1;+CGREG=2;+CEREG=1",
    // Last, because their answers look different.
    "ATQ1V0",
];

struct Bench {
    modem: Modem,
    now: u64,
}

impl Bench {
    /// A module that has booted, with these settings stored.
    fn new(settings: Option<Vec<u8>>) -> Self {
        let mut setup = Setup::new(0, 1, 1_600_000_000_000);
        setup.settings = settings;
        let mut bench = Self { modem: Modem::new(setup), now: 60_000 };
        bench.outputs();
        bench.modem.handle(Time(bench.now), Input::Tick);
        bench.outputs();
        bench
    }

    fn outputs(&mut self) -> Vec<Output> {
        core::iter::from_fn(|| self.modem.poll_output()).collect()
    }

    /// Types a line; a store request is granted. What was stored, if anything was.
    fn types(&mut self, line: &str) -> Option<Vec<u8>> {
        self.now += 1;
        let text = format!("{line}\r");
        self.modem.handle(Time(self.now), Input::Line { line: LineId(0), bytes: text.as_bytes() });
        let mut stored: Option<(Ticket, Vec<u8>)> = None;
        for output in self.outputs() {
            match output {
                Output::Store {
                    ticket,
                    request: StoreRequest::Persist { section: Section::Settings, bytes },
                } => stored = Some((ticket, bytes)),
                Output::Note(note) => panic!("{line}: {}", note.text),
                _ => {}
            }
        }
        let (ticket, bytes) = stored?;
        self.modem.handle(Time(self.now), Input::Store { ticket, result: Ok(StoreReply::Done) });
        self.outputs();
        Some(bytes)
    }

    fn stores(&mut self) -> String {
        // AT+CSCLK=2 may have put it to sleep.
        self.modem.handle(Time(self.now), Input::Line { line: LineId(0), bytes: b"AT\r" });
        self.outputs();
        self.now += 100;
        String::from_utf8(self.types("AT&W").unwrap()).unwrap()
    }

    fn changed(&mut self) {
        for line in ANOTHER {
            self.types(line);
        }
    }
}

#[test]
fn the_list_changes_every_setting() {
    let factory = Bench::new(None).stores();
    let mut bench = Bench::new(None);
    bench.changed();
    let other = bench.stores();
    for (is, was) in other.lines().zip(factory.lines()) {
        assert_eq!(is.split('=').next(), was.split('=').next(), "the order is the same");
        assert_ne!(is, was, "ANOTHER does not change this one");
    }
    assert_eq!(other.lines().count(), factory.lines().count());
}

#[test]
fn what_is_stored_is_there_after_a_restart() {
    let mut bench = Bench::new(None);
    bench.changed();
    let stored = bench.stores();
    assert_eq!(Bench::new(Some(stored.clone().into_bytes())).stores(), stored);

    // AT&F is for memory only, and ATZ takes it back.
    assert!(bench.types("AT&F").is_none());
    assert!(bench.types("ATZ").is_none());
    assert_eq!(bench.stores(), stored);
}

#[test]
fn factory_values_are_those_of_a_new_module() {
    let factory = Bench::new(None).stores();
    let mut bench = Bench::new(None);
    bench.changed();
    assert!(bench.types("AT&F").is_none());
    assert_eq!(bench.stores(), factory);

    // ATZ where nothing is stored is the same.
    let mut bench = Bench::new(None);
    bench.changed();
    assert!(bench.types("ATZ").is_none());
    assert_eq!(bench.stores(), factory);
}

#[test]
fn a_restart_without_storing_forgets_everything() {
    let factory = Bench::new(None).stores();
    let mut bench = Bench::new(None);
    bench.changed();
    bench.types("AT+CPOWD=0");
    bench.now += 10_000;
    bench.modem.handle(Time(bench.now), Input::Tick);
    bench.modem.handle(Time(bench.now), Input::World(WorldChange::PowerKey(2_000)));
    bench.now += 60_000;
    bench.modem.handle(Time(bench.now), Input::Tick);
    bench.outputs();
    assert_eq!(bench.stores(), factory);
}

#[test]
fn settings_that_make_no_sense_are_left_out() {
    let factory = Bench::new(None).stores();
    let nonsense: String = factory
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| format!("{key}=\u{2603}\n{key}=\n{key}=99999999999999999999\n{key}\n"))
        .collect();
    assert_eq!(Bench::new(Some(nonsense.into_bytes())).stores(), factory);
    assert_eq!(Bench::new(Some(b"\xFF=\0\n=\n\n==\n".to_vec())).stores(), factory);
}

#[test]
fn a_damaged_store_is_told() {
    let message = "SM 1 STO UNSENT 00010000810000\n";
    for (settings, messages, told) in [
        ("basic.echo=0\n", message, 0),
        ("basic.echo=0\n#\x02\nbasic\n", message, 1),
        ("", "", 0),
        ("", "SM 1 STO UNSENT 0001000081\u{fffd}0\nwaiting\n", 1),
        ("basic\n", "SM 999 STO UNSENT 00010000810000\n", 2),
    ] {
        let mut setup = Setup::new(0, 1, 1_600_000_000_000);
        setup.settings = Some(settings.into());
        setup.messages = Some(messages.into());
        let mut bench = Bench { modem: Modem::new(setup), now: 60_000 };
        let mut outputs = bench.outputs();
        bench.modem.handle(Time(bench.now), Input::Tick);
        outputs.extend(bench.outputs());
        let notes: Vec<_> = outputs.iter().filter(|output| matches!(output, Output::Note(_))).collect();
        assert_eq!(notes.len(), told, "{settings:?} {messages:?}: {notes:?}");
    }
}
