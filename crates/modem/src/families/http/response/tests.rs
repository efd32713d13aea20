//! Replies of every kind, and what is none.

use super::*;
use alloc::format;
use alloc::vec;
use proptest::prelude::*;

/// What a reply came to: status, body, whether the connection is kept, what was left over.
type Outcome = Result<(u16, Vec<u8>, bool, usize), Broken>;

/// Reads a reply in these portions, and then the connection's end. `None`: it is not complete.
fn read(without_body: bool, portions: &[&[u8]]) -> Option<Outcome> {
    let mut response = Response::new(without_body, 512);
    let mut body = Vec::new();
    let mut left: usize = portions.iter().map(|portion| portion.len()).sum();
    for portion in portions {
        let mut rest = *portion;
        left -= portion.len();
        loop {
            match response.take(&mut rest) {
                Ok(Step::More) => break,
                Ok(Step::Head) => {}
                Ok(Step::Body(bytes)) => body.extend_from_slice(bytes),
                Ok(Step::Done) => {
                    let status = response.head().status;
                    return Some(Ok((status, body, response.keeps_connection(), rest.len() + left)));
                }
                Err(broken) => return Some(Err(broken)),
            }
        }
    }
    response.closed().then(|| Ok((response.head().status, body, response.keeps_connection(), 0)))
}

fn whole(text: &str) -> Option<Outcome> {
    read(false, &[text.as_bytes()])
}

fn good(status: u16, body: &str, keeps: bool) -> Option<Outcome> {
    Some(Ok((status, body.into(), keeps, 0)))
}

fn is_broken(text: &str) -> bool {
    matches!(whole(text), Some(Err(Broken::NotHttp(_))))
}

#[test]
fn bodies_of_every_kind() {
    for (reply, status, body, keeps) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
        ("HTTP/1.1 200 OK\r\ncontent-length:3\r\nConnection: Close\r\n\r\nabc", 200, "abc", false),
        ("HTTP/1.1 200\r\nContent-Length: 3, 3\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc", 200, "abc", true),
        ("HTTP/1.0 200 OK\r\n\r\nabc", 200, "abc", false),
        ("HTTP/1.1 200 OK\r\n\r\n", 200, "", false),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", 204, "", true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", 304, "", true),
        ("\r\nHTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 201, "", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=\"y\"\r\nabc\r\n02 \r\nde\r\n0\r\nA: b\r\nC: d\r\n\r\n", 200, "abcde", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", true),
        // Doubtful: read as the standard says, and not trusted any further.
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 200, "abc", false),
        ("HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", 200, "abc", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\n", 200, "", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc", 200, "abc", false),
        ("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\n\r\nc", 200, "c", false),
    ] {
        assert_eq!(whole(reply), good(status, body, keeps), "{reply:?}");
    }
    assert_eq!(whole("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nabc"), Some(Ok((200, b"a".to_vec(), true, 2))));
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
    assert_eq!(read(true, &[head]), good(200, "", true));
}

#[test]
fn what_is_no_reply() {
    for reply in [
        "SSH-2.0-OpenSSH_9.6",
        "HTTP/2 200\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 3 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000003\r\nabc\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n",
    ] {
        assert!(is_broken(reply), "{reply:?}: {:?}", whole(reply));
    }
    assert!(is_broken(&"HTTP/1.1 100 Continue\r\n\r\n".repeat(17)));
    let long_line = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;{}\r\n", "x".repeat(300));
    assert!(is_broken(&long_line));
}

#[test]
fn bounds() {
    let too_long = |text: &str| whole(text) == Some(Err(Broken::TooLong));
    assert!(too_long(&format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(512))));
    assert!(too_long(&format!("HTTP/1.1 200 OK\r\n{}\r\n", "a:\r\n".repeat(101))));
    assert!(too_long(&"\r\n".repeat(300)));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
    assert!(too_long(&format!("{chunked}{}", "x".repeat(600))));
    assert!(too_long(&format!("{chunked}{}", "X: y\r\n".repeat(100))));
}

#[test]
fn what_is_cut_off_is_not_complete() {
    for reply in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
    ] {
        assert_eq!(whole(reply), None, "{reply:?}");
    }
}

#[test]
fn header_lines_are_the_servers_own() {
    let mut response = Response::new(false, 512);
    let mut text: &[u8] = b"HTTP/1.1 200 OK\r\neTaG:   x\r\nB:y\r\n\r\n";
    assert_eq!(response.take(&mut text), Ok(Step::Head));
    assert_eq!(response.take_lines(), b"eTaG:   x\r\nB:y");
    assert_eq!(header_lines(b"HTTP/1.1 200 OK\r\n\r\n"), b"");
    assert_eq!(header_lines(b"HTTP/1.1 200 OK\nA: b\n\n"), b"A: b");
}

#[test]
fn two_locations_lead_nowhere() {
    for (lines, wanted) in [
        ("Location: /a\r\n", Some(b"/a".to_vec())),
        ("Location: /a\r\nLocation: /a\r\n", Some(b"/a".to_vec())),
        ("Location: /a\r\nLocation: /b\r\n", None),
        ("", None),
    ] {
        let text = format!("HTTP/1.1 302 Found\r\n{lines}\r\n");
        let mut response = Response::new(false, 512);
        assert_eq!(response.take(&mut text.as_bytes()), Ok(Step::Head));
        assert_eq!(response.head().location, wanted);
    }
}

/// Pieces of replies, right and wrong.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => Just(b"HTTP/1.1 200 OK\r\n".to_vec()),
        1 => Just(b"HTTP/1.0 404 \r\n".to_vec()),
        1 => Just(b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()),
        1 => Just(b"HTTP/1.1 204 X\n".to_vec()),
        2 => (0u8..12).prop_map(|n| format!("Content-Length: {n}\r\n").into_bytes()),
        2 => Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        1 => Just(b"Connection: close\r\n".to_vec()),
        3 => Just(b"\r\n".to_vec()),
        1 => Just(b"\n".to_vec()),
        2 => (0u8..20).prop_map(|n| format!("{n:x};e\r\n{}\r\n", "z".repeat(n.into())).into_bytes()),
        1 => Just(b"0\r\n\r\n".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn portions_make_no_difference(
        pieces in prop::collection::vec(piece(), 0..12),
        cuts in prop::collection::vec(1usize..9, 1..9),
        without_body in any::<bool>(),
    ) {
        let all = pieces.concat();
        let mut portions: Vec<&[u8]> = vec![];
        let mut rest = all.as_slice();
        for cut in cuts.iter().copied().cycle() {
            if rest.is_empty() {
                break;
            }
            let (portion, more) = rest.split_at(cut.min(rest.len()));
            portions.push(portion);
            rest = more;
        }
        prop_assert_eq!(read(without_body, &portions), read(without_body, &[&all]));
    }
}
