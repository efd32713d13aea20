//! A server whose replies cannot be taken for one another, and who keeps to HTTP until something is cut.

use crate::random::Random;

/// What there is of number `number`: nothing else looks like it.
pub(crate) fn body(number: usize) -> Vec<u8> {
    format!("<{number}>").repeat(1 + number * 37 % 900).into_bytes()
}

/// Whether it is all of something, or of a reply without a body.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let number = text.split(['<', '>']).nth(1).and_then(|number| number.parse().ok());
    bytes.is_empty() || number.is_some_and(|number| body(number) == bytes)
}

/// The reply to the first request of what was asked, and whether the connection ends behind it.
pub(crate) fn reply(asked: &mut Vec<u8>, random: &mut Random) -> Option<(Vec<u8>, bool)> {
    let text = String::from_utf8_lossy(asked).into_owned();
    let (head, _) = text.split_once("\r\n\r\n")?;
    asked.drain(..head.len() + 4);
    if head.starts_with("CONNECT") {
        return Some((b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), false));
    }
    let number = head.split(' ').nth(1)?.rsplit('/').next()?.parse().ok()?;
    let content = body(number);
    let length = content.len();
    let mut reply = Vec::new();
    match random.below(4) {
        0 => {
            let place = random.pick(&["", "http://192.0.2.8", "https://192.0.2.8"]);
            reply.extend(
                format!("HTTP/1.1 302 Found\r\nLocation: {place}/{number}\r\nContent-Length: 0\r\n\r\n")
                    .bytes(),
            );
        }
        1 if !head.starts_with("HEAD") => {
            reply.extend(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            for chunk in content.chunks(700) {
                reply.extend(format!("{:x}\r\n", chunk.len()).bytes());
                reply.extend(chunk);
                reply.extend(b"\r\n");
            }
            reply.extend(b"0\r\n\r\n");
        }
        form => {
            let version = if form == 2 { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0" } else { "HTTP/1.1" };
            reply.extend(format!("{version} 200 OK\r\nContent-Length: {length}\r\n\r\n").bytes());
            if !head.starts_with("HEAD") {
                reply.extend(content);
            }
        }
    }
    let cut = random.percent(15);
    if cut {
        reply.truncate(usize::try_from(random.below(reply.len() as u64)).unwrap());
    }
    Some((reply, cut || random.percent(25)))
}
