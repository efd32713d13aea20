//! What holds for any message, and for any bytes.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use modemtwin_pdu::{
    Address, Deliver, Report, Stamp, Submit, Tpdu, UserData, Validity, decode_septets, encode_septets,
    from_hex, from_ucs2, pack, split_center, to_hex, to_ucs2, unpack,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        ("\\+?[0-9*#]{1,20}").prop_map(|text| Address::dialled(&text).unwrap()),
        ("[0-9]{1,20}", any::<u8>())
            .prop_filter_map("a name", |(text, kind)| Address::typed(&text, kind).ok()),
        ("[a-zA-Z€@ ]{1,5}").prop_map(|text| Address::name(&text).unwrap()),
    ]
}

fn validity() -> impl Strategy<Value = Validity> {
    prop_oneof![
        Just(Validity::Unsaid),
        any::<u8>().prop_map(Validity::Relative),
        any::<[u8; 7]>().prop_map(|octets| Validity::Absolute(Stamp(octets))),
        any::<[u8; 7]>().prop_map(Validity::Enhanced),
    ]
}

/// A scheme, whether there are headers, and data that fits both.
fn content() -> impl Strategy<Value = (u8, bool, UserData)> {
    prop_oneof![
        vec(0u8..128, 0..=160).prop_map(|septets| (0, false, UserData::from_septets(&[], &septets).unwrap())),
        (0usize..20, vec(0u8..128, 1..=130)).prop_map(|(more, septets)| {
            let mut header = vec![u8::try_from(more).unwrap()];
            header.extend((0..more).map(|n| u8::try_from(n).unwrap()));
            (0, true, UserData::from_septets(&header, &septets).unwrap())
        }),
        (prop_oneof![Just(4u8), Just(8)], vec(any::<u8>(), 0..=140)).prop_map(|(scheme, octets)| (
            scheme,
            false,
            UserData::from_octets(octets).unwrap()
        )),
    ]
}

proptest! {
    #[test]
    fn septets_come_back(septets in vec(0u8..128, 0..200), skip in 0usize..7) {
        prop_assert_eq!(unpack(&pack(&septets, skip), septets.len(), skip), septets);
    }

    #[test]
    fn characters_come_back(text in "[ -_a-z{}~|€@£¥ÄÖÑÜ§äöñüà\\\\^\\[\\]\n\r]{0,80}") {
        let septets = encode_septets(&text).unwrap();
        prop_assert_eq!(decode_septets(&septets), text);
    }

    #[test]
    fn ucs2_comes_back(text in ".{0,80}") {
        prop_assert_eq!(from_ucs2(&to_ucs2(&text)), text);
    }

    #[test]
    fn hex_comes_back(bytes in vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(from_hex(to_hex(&bytes).as_bytes()), Some(bytes));
    }

    #[test]
    fn submits_come_back(
        flags in any::<u8>(), reference in any::<u8>(), destination in address(), protocol in any::<u8>(),
        validity in validity(), (scheme, headers, data) in content(),
    ) {
        let flags = flags & 0xA4 | if headers { 0x40 } else { 0 };
        let submit = Submit { flags, reference, destination, protocol, scheme, validity, data };
        prop_assert_eq!(Tpdu::parse(&submit.bytes()), Ok(Tpdu::Submit(submit)));
    }

    #[test]
    fn delivers_come_back(
        flags in any::<u8>(), originator in address(), protocol in any::<u8>(), stamp in any::<[u8; 7]>(),
        (scheme, headers, data) in content(),
    ) {
        let flags = flags & 0xBC | if headers { 0x40 } else { 0 };
        let deliver = Deliver { flags, originator, protocol, scheme, stamp: Stamp(stamp), data };
        prop_assert_eq!(Tpdu::parse(&deliver.bytes()), Ok(Tpdu::Deliver(deliver)));
    }

    #[test]
    fn reports_come_back(
        reference in any::<u8>(), recipient in address(), stamp in any::<[u8; 7]>(), discharge in any::<[u8; 7]>(),
        status in any::<u8>(), more in vec(any::<u8>(), 0..20),
    ) {
        let (stamp, discharge) = (Stamp(stamp), Stamp(discharge));
        let report = Report { flags: 4, reference, recipient, stamp, discharge, status, more };
        prop_assert_eq!(Tpdu::parse(&report.bytes()), Ok(Tpdu::Report(report)));
    }

    /// A text of any length arrives whole, and each part fits.
    #[test]
    fn long_texts_come_back(text in prop_oneof!["[a-z€{}]{0,1000}", ".{0,300}"], reference in any::<u8>()) {
        let from = Address::dialled("+8613800138000").unwrap();
        let parts = Deliver::texts(&from, &text, Stamp::new(0, 0), reference).unwrap();
        let mut whole = String::new();
        for part in &parts {
            prop_assert_eq!(Tpdu::parse(&part.bytes()), Ok(Tpdu::Deliver(part.clone())));
            prop_assert_eq!(part.headers(), parts.len() > 1);
            whole += &part.data.text(part.scheme, part.headers()).unwrap();
        }
        prop_assert_eq!(whole, text);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in vec(any::<u8>(), 0..200)) {
        let _ = split_center(&bytes);
        match Tpdu::parse(&bytes) {
            Ok(Tpdu::Submit(submit)) => {
                let _ = (submit.bytes(), submit.data.text(submit.scheme, submit.headers()));
                let _ = submit.destination.to_string();
            }
            Ok(Tpdu::Deliver(deliver)) => {
                let _ = (deliver.bytes(), deliver.data.text(deliver.scheme, deliver.headers()));
                let _ = (deliver.originator.to_string(), deliver.stamp.to_string());
            }
            Ok(Tpdu::Report(report)) => drop(report.bytes()),
            Err(error) => drop(error.to_string()),
        }
    }

    /// Headers of any length in front of any data.
    #[test]
    fn headers_never_reach_behind_the_data(header in any::<u8>(), length in any::<u8>(), rest in vec(any::<u8>(), 0..141)) {
        let mut bytes = vec![0x44, 5, 0x81, 0x01, 0x80, 0xF6, 0, 0, 1, 2, 3, 4, 5, 6, 7, length, header];
        bytes.extend(rest);
        if let Ok(Tpdu::Deliver(deliver)) = Tpdu::parse(&bytes) {
            let _ = (deliver.data.septets(true), deliver.data.body(true).len());
        }
    }
}

/// The example that every introduction to SMS has: "hellohello" to +46708251358.
#[test]
fn the_books_example_is_read() {
    let pdu = from_hex(b"0011000B916407281553F80000AA0AE8329BFD4697D9EC37").unwrap();
    let (center, tpdu) = split_center(&pdu).unwrap();
    assert_eq!(center, None);
    let Ok(Tpdu::Submit(submit)) = Tpdu::parse(tpdu) else { panic!("it is one") };
    assert_eq!(submit.destination.to_string(), "+46708251358");
    assert_eq!(submit.data.text(submit.scheme, submit.headers()).unwrap(), "hellohello");
    assert_eq!(submit.validity, Validity::Relative(0xAA));

    let pdu = from_hex(b"07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37").unwrap();
    let (center, tpdu) = split_center(&pdu).unwrap();
    assert_eq!(center.unwrap().to_string(), "+27381000015");
    let Ok(Tpdu::Deliver(deliver)) = Tpdu::parse(tpdu) else { panic!("it is one") };
    assert_eq!(deliver.originator.text, "27838890001");
    assert_eq!(deliver.stamp.to_string(), "99/03/29,15:16:59+08");
}
