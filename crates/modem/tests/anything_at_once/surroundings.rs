//! What happens around a module.

use modem::{Account, Apn, Card, Coverage, Dns, MessageService, Pace, WorldChange};
use modemtwin_modem as modem;

use super::random::Random;

pub(super) fn world(random: &mut Random) -> WorldChange {
    let paces = [Pace::Normal, Pace::Slow(3000), Pace::Stuck];
    let card = Card { pin: random.percent(30).then(|| "1234".into()), ..Card::default() };
    match random.below(18) {
        0 => WorldChange::Card(None),
        1 | 2 => WorldChange::Card(Some(card)),
        3 => WorldChange::Account(random.pick(&[Account::Good, Account::Arrears, Account::Refused])),
        4 => WorldChange::Coverage(Coverage::Searching),
        5 => WorldChange::Coverage(random.pick(&[
            Coverage::Home,
            Coverage::Roaming,
            Coverage::Denied,
            Coverage::Unusable,
        ])),
        6 => WorldChange::Rssi(random.pick(&[0, 24, 99])),
        7 => WorldChange::Boot(random.pick(&paces[..2])),
        8 => WorldChange::CardStart(random.pick(&paces)),
        9 => WorldChange::Attach(random.pick(&paces)),
        10 => WorldChange::Bearer(random.percent(50)),
        11 => WorldChange::BearerLost,
        12 => WorldChange::Apn(Apn::Private {
            name: "a".into(),
            user: String::new(),
            password: String::new(),
            dead_end: random.percent(50),
        }),
        13 => WorldChange::Dns(random.pick(&[Dns::Works, Dns::Dead, Dns::Failing])),
        14 => WorldChange::PrivateServers(random.percent(50)),
        15 => WorldChange::Messages(random.pick(&[MessageService::Carried, MessageService::Refused])),
        16 => WorldChange::PowerKey(2000),
        _ => message(random),
    }
}

/// Mostly short messages that are some.
fn message(random: &mut Random) -> WorldChange {
    let mut tpdu =
        b"\x04\x0b\x91\x68\x31\x08\x10\x00\xf0\x00\x00\x02\x90\x31\x21\x00\x00\x23\x05\xe8\x32\x9b\xfd\x06"
            .to_vec();
    if random.percent(30) {
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(tpdu.len() as u64)).unwrap();
            tpdu[at] = u8::try_from(random.below(256)).unwrap();
        }
        tpdu.truncate(usize::try_from(random.below(30)).unwrap());
    }
    WorldChange::Message { tpdu }
}
