//! Over real sockets, byte for byte, with a client that knows nothing.

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use transcript::Fill;

use crate::lab::tests::{connect, lab, policy};
use crate::lab::{Kind, Lab, Ports};

async fn start() -> (TempDir, Lab) {
    let directory = TempDir::new().unwrap();
    let lab = lab(&directory, Ports::Free).await;
    (directory, lab)
}

/// Everything that is said to some bytes, up to the end of the connection.
async fn said(lab: &Lab, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(lab.address(Kind::Http)).await.unwrap();
    // A server that has had enough need not take everything.
    let _ = stream.write_all(bytes).await;
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    all
}

/// A response's head, as text, and its body.
fn parts(response: &[u8]) -> (String, Vec<u8>) {
    let end = response.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    (String::from_utf8(response[..end].to_vec()).unwrap(), response[end + 4..].to_vec())
}

async fn get(lab: &Lab, path: &str, more: &str) -> (String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n{more}\r\n");
    parts(&said(lab, request.as_bytes()).await)
}

fn status(head: &str) -> &str {
    head.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn bodies_are_those_of_their_rules() {
    let (_directory, lab) = start().await;
    let (head, body) = get(&lab, "/hello.txt", "").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("\r\nContent-Length: 33"), "{head}");
    assert_eq!(body, b"Hello from the lab of modemtwin.\n");
    for (path, fill, count) in [
        ("/bytes/70000", Fill::CountUp, 70_000),
        ("/text/100", Fill::Text, 100),
        ("/bytes/0", Fill::CountUp, 0),
        ("/slow/3", Fill::Text, 3),
    ] {
        let (head, body) = get(&lab, path, "").await;
        assert!(head.contains(&format!("\r\nContent-Length: {count}")), "{path} {head}");
        assert!(body == fill.bytes(count), "{path}");
    }
    let (list, body) = get(&lab, "/", "").await;
    assert_eq!(status(&list), "200");
    assert!(body.starts_with(b"/hello.txt "));
}

#[tokio::test]
async fn ranges_are_parts_or_refused() {
    let (_directory, lab) = start().await;
    let whole = Fill::CountUp.bytes(1000);
    for (range, first, last) in [("2-3", 2, 3), ("990-", 990, 999), ("-10", 990, 999), ("0-5000", 0, 999)] {
        let (head, body) = get(&lab, "/bytes/1000", &format!("Range: bytes={range}\r\n")).await;
        assert_eq!(status(&head), "206", "{range}");
        assert!(head.contains(&format!("\r\nContent-Range: bytes {first}-{last}/1000")), "{head}");
        assert_eq!(body, whole[first..=last]);
    }
    let (head, _) = get(&lab, "/bytes/1000", "Range: bytes=1000-\r\n").await;
    assert_eq!(status(&head), "416");
    assert!(head.contains("\r\nContent-Range: bytes */1000"), "{head}");
    assert_eq!(status(&get(&lab, "/bytes/0", "Range: bytes=0-\r\n").await.0), "416");
    // What makes no sense, and what is for several parts, is answered with everything.
    for range in ["bytes=x", "lines=1-2", "bytes=1-2,5-6"] {
        let (head, body) = get(&lab, "/bytes/1000", &format!("Range: {range}\r\n")).await;
        assert!((status(&head), body.len()) == ("200", 1000), "{range}: {head}");
    }
}

#[tokio::test]
async fn lengths_that_are_not_told() {
    let (_directory, lab) = start().await;
    let (head, body) = get(&lab, "/chunked/40000", "").await;
    assert!(head.contains("\r\nTransfer-Encoding: chunked") && !head.contains("Content-Length"), "{head}");
    let mut rest = &body[..];
    let mut got = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        got.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
        if size == 0 {
            break;
        }
    }
    assert!(got == Fill::Text.bytes(40_000) && rest.is_empty());
    // Without asking for the end of the connection.
    let response = said(&lab, b"GET /close/300 HTTP/1.1\r\nHost: lab\r\n\r\n").await;
    let (head, body) = parts(&response);
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(!head.contains("Content-Length") && !head.contains("Transfer-Encoding"), "{head}");
    assert_eq!(body, Fill::Text.bytes(300));
    let (head, body) = parts(&said(&lab, b"GET /text/10 HTTP/1.0\r\n\r\n").await);
    assert_eq!((status(&head), &body[..]), ("200", &b"ABCDEFGHIJ"[..]));
}

#[tokio::test]
async fn what_else_there_is() {
    let (_directory, lab) = start().await;
    let (head, body) = get(&lab, "/gzip", "").await;
    assert!(head.contains("\r\nContent-Encoding: gzip") && body.starts_with(b"\x1F\x8B"), "{head}");
    for (path, target) in [("/redirect/3", "/redirect/2"), ("/redirect/1", "/hello.txt")] {
        let (head, _) = get(&lab, path, "").await;
        assert_eq!(status(&head), "302");
        assert!(head.contains(&format!("\r\nLocation: {target}")), "{head}");
    }
    for (path, expected) in [
        ("/status/204", "204"),
        ("/status/304", "304"),
        ("/status/418", "418"),
        ("/status/599", "599"),
        ("/status/100", "404"),
        ("/status/600", "404"),
        ("/none", "404"),
        ("/bytes/x", "404"),
        ("/bytes/99999999999999999999", "404"),
        ("/bytes/16777217", "404"),
        ("/../../etc/passwd", "404"),
    ] {
        assert_eq!(status(&get(&lab, path, "").await.0), expected, "{path}");
    }
    let head = said(&lab, b"HEAD /bytes/1000 HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").await;
    let (head, body) = parts(&head);
    assert!(head.contains("\r\nContent-Length: 1000") && body.is_empty(), "{head}");
    let refused = said(
        &lab,
        b"POST /hello.txt HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(status(&parts(&refused.await).0), "405");
}

#[tokio::test]
async fn a_request_is_echoed_with_its_head() {
    let (_directory, lab) = start().await;
    let request = b"POST /echo?a=b HTTP/1.1\r\nHost: lab\r\nX-Mine: 1\r\nConnection: close\r\n\
        Transfer-Encoding: chunked\r\n\r\n4\r\n\x00\x01\xFF\n\r\n0\r\n\r\n";
    let (head, body) = parts(&said(&lab, request).await);
    assert_eq!(status(&head), "200");
    let expected = b"POST /echo?a=b HTTP/1.1\nhost: lab\nx-mine: 1\nconnection: close\n\
        transfer-encoding: chunked\nclient certificate: none\n\n\x00\x01\xFF\n";
    assert_eq!(body, expected, "{}", String::from_utf8_lossy(&body));
}

#[tokio::test]
async fn a_connection_is_kept_and_tls_tells_who_the_client_is() {
    let (_directory, lab) = start().await;
    let mut stream = connect(&lab, Kind::HttpsMutual, &policy(&lab, true)).await.unwrap();
    for last in [false, true] {
        let close = if last { "Connection: close\r\n" } else { "" };
        let request = format!("GET /echo HTTP/1.1\r\nHost: lab\r\n{close}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut got = Vec::new();
        while !got.ends_with(b"\n\n") {
            let byte = stream.read_u8().await.unwrap();
            got.push(byte);
        }
        let text = String::from_utf8(got).unwrap();
        assert!(text.contains("client certificate: ") && text.contains("CN=Modemtwin lab client"), "{text}");
    }
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    let failure = connect(&lab, Kind::HttpsMutual, &policy(&lab, false)).await.expect_err("no certificate");
    assert!(failure.to_string().contains("certificate"), "{failure}");
    let mut stream = connect(&lab, Kind::Https, &policy(&lab, false)).await.unwrap();
    stream.write_all(b"GET /text/3 HTTP/1.0\r\n\r\n").await.unwrap();
    let mut got = Vec::new();
    stream.read_to_end(&mut got).await.unwrap();
    assert!(got.ends_with(b"\r\n\r\nABC"));
}

#[tokio::test]
async fn what_is_too_much_is_refused() {
    let (_directory, lab) = start().await;
    let huge = format!("GET / HTTP/1.1\r\nHost: lab\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\nHost: lab\r\n{}\r\n", "X: y\r\n".repeat(100));
    for request in [huge, many, format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000))] {
        let response = String::from_utf8(said(&lab, request.as_bytes()).await).unwrap();
        // A reset may have overtaken the answer, since not everything was read.
        assert!(response.is_empty() || response.starts_with("HTTP/1.1 4"), "{response}");
    }
    for request in ["\r\n\r\n\r\nnonsense\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n"] {
        let response = String::from_utf8(said(&lab, request.as_bytes()).await).unwrap();
        assert!(response.is_empty() || response.starts_with("HTTP/1.1 400"), "{response}");
    }
    let long = "POST /echo HTTP/1.1\r\nHost: lab\r\nContent-Length: 9999999999\r\n\r\nx";
    assert_eq!(status(&parts(&said(&lab, long.as_bytes()).await).0), "413");
    // The server is still there.
    assert_eq!(status(&get(&lab, "/hello.txt", "").await.0), "200");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_a_connection() {
    let (near, mut far) = tokio::io::duplex(100);
    let address = "127.0.0.1:1".parse().unwrap();
    let guest = super::Guest { peer: address, local: address, certificate: None };
    let server = tokio::spawn(super::serve(near, Kind::Http, guest));
    far.write_all(b"GET / HT").await.unwrap();
    let mut rest = Vec::new();
    far.read_to_end(&mut rest).await.unwrap();
    assert!(server.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_nothing_is_given_up() {
    let (near, mut far) = tokio::io::duplex(100);
    let address = "127.0.0.1:1".parse().unwrap();
    let guest = super::Guest { peer: address, local: address, certificate: None };
    let server = tokio::spawn(super::serve(near, Kind::Http, guest));
    far.write_all(b"GET /bytes/100000 HTTP/1.1\r\n\r\n").await.unwrap();
    let error = server.await.unwrap().expect_err("a hundred bytes are stuck");
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}
