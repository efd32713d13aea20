//! Whatever is on the disk, a module comes up.

use modem::{Input, LineKind, Setup, StoreRequest, WorldChange};
use modemtwin_modem as modem;

use super::bench::Bench;
use super::random::Random;

/// What a module keeps that has something to keep of everything.
fn kept() -> [Vec<u8>; 2] {
    let mut bench = Bench::new(1);
    bench.pass(10_000);
    let mut kept = [Vec::new(), Vec::new()];
    let commands = [
        "AT+CMGF=1;+CIPMODE=1;+CSCLK=1;+CREG=2;+CNMI=1,2;+CPMS=\"ME\",\"ME\",\"ME\"",
        "AT+IPR=9600",
        "AT+ICF=2,1",
        "AT+IFC=2,2",
        "AT&W",
        "AT+CIPCSGP=1,\"a\",\"b\",\"c\"",
        "AT+CIPSCONT",
        "AT+CSCA=\"+123\"",
        "AT+CSAS",
        "AT+FTPSERV=192.0.2.7;+FTPGETNAME=f;+FTPPUTNAME=f;+FTPSCONT",
        "AT+HTTPINIT;+HTTPPARA=URL,\"example.com/a\";+HTTPPARA=USERDATA,\"A: b\\r\\nC: d\";+HTTPPARA=USER_DEFINED,\"E: f\"",
        "AT+HTTPSCONT;+HTTPTERM",
        "AT+CPNETAPN=2,\"a\",\"b\",\"c\",1",
        "AT+WISN=\"1\"",
        "AT+CMGW=\"10086\"\rtext\x1a",
        "AT+CNMI=2,1",
    ];
    for command in commands {
        bench.type_in(0, format!("{command}\r").as_bytes());
        let tpdu = b"\x04\x0b\x91\x68\x31\x08\x10\x00\xf0\x00\x00\x02\x90\x31\x21\x00\x00\x23\x05\xe8\x32\x9b\xfd\x06";
        bench.input(Input::World(WorldChange::Message { tpdu: tpdu.to_vec() }));
        while let Some((_, request)) = bench.stores.front().cloned() {
            if let StoreRequest::Persist { section, bytes } = request {
                kept[usize::from(section == modem::Section::Messages)] = bytes;
            }
            bench.store(true);
        }
    }
    kept
}

/// Bytes changed, lost, doubled, and in another order.
fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..=random.below(12) {
        let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
        let end = (at + usize::try_from(random.below(40)).unwrap()).min(bytes.len());
        match random.below(5) {
            0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
            1 => bytes[at] = random.pick(b"0123456789,=\n\"- "),
            2 => drop(bytes.drain(at..end)),
            3 => bytes.extend_from_within(at..end),
            _ => bytes[at..end].reverse(),
        }
        if bytes.is_empty() {
            bytes.push(b'=');
        }
    }
}

#[test]
fn whatever_is_on_the_disk_a_module_comes_up() {
    let [settings, messages] = kept();
    assert!(settings.len() > 500 && messages.len() > 100, "{}, {}", settings.len(), messages.len());
    let text = String::from_utf8_lossy(&settings);
    for line in ["kept.http.userdata=A: b\\r\\nC: d", "kept.http.user_defined=E: f", "kept.ftp."] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    for seed in 0..1500 {
        let mut random = Random::new(seed);
        let mut setup = Setup::new(0, seed, 1_600_000_000_000);
        setup.lines = vec![LineKind::Plain, LineKind::Plain, LineKind::AutoBaud];
        let (mut settings, mut messages) = (settings.clone(), messages.clone());
        spoil(&mut random, &mut settings);
        spoil(&mut random, &mut messages);
        (setup.settings, setup.messages) = (Some(settings), Some(messages));
        let mut bench = Bench::with_setup(setup);
        bench.pass(10_000);
        for command in [
            "AT+CMGL=4",
            "AT+CMGL=\"ALL\"",
            "AT+CMGR=1",
            "AT+CMSS=1",
            "AT+CSCA?;+CSMP?;+CIPSCONT?;+CSTT?",
            "AT&V",
            "AT+HTTPSCONT?;+HTTPINIT;+HTTPPARA?;+FTPSCONT?",
            "AT+SAPBR=1,1;+HTTPACTION=1",
            "AT+HTTPACTION=0",
        ] {
            bench.type_in(0, format!("{command}\r").as_bytes());
            bench.store(true);
            bench.answer(&mut random);
        }
        bench.settle();
        assert!(bench.answers(0), "seed {seed}");
    }
}
