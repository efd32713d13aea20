//! What can be asked for.

use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONNECTION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue,
    LOCATION, RANGE, SERVER,
};
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::time::timeout;
use transcript::Fill;

use super::content::Content;
use crate::lab::guest::Guest;

/// The most bytes of a body that is made.
const MADE: u64 = 16 << 20;
/// The most bytes of a slow one: an hour.
const SLOW: u64 = 36_000;
/// The most redirects in a row.
const REDIRECTS: u64 = 50;
/// The longest body of a request: more than the module can send.
const BODY: usize = 512 << 10;
/// How long it may take.
const BODY_TIME: Duration = Duration::from_secs(5 * 60);

const HELLO: &[u8] = include_bytes!("../hello.txt");
const HELLO_GZIP: &[u8] = include_bytes!("../hello.txt.gz");

const LIST: &str = "\
/hello.txt     a line of text
/text/N        N letters and digits: A-Z, a-z, 0-9, again from A; takes Range
/bytes/N       N bytes: 0x00 to 0xFF, again from 0x00; takes Range
/chunked/N     the letters and digits in chunks, the length is not told
/close/N       the same from an HTTP/1.0 server: they end with the connection
/slow/N        the same at ten a second
/gzip          hello.txt, compressed, whether that was accepted or not
/redirect/N    302 to /redirect/N-1, in the end to /hello.txt
/status/N      this status, 200 to 599
/echo          POST, PUT, GET ...: the request as it came: line, header lines,
               the client's certificate, an empty line, the body
N goes up to 16777216; for /slow to 36000, for /redirect to 50.
";

/// Answers a request, whatever it is.
pub(super) async fn answer(request: Request<Incoming>, guest: &Guest) -> Response<Content> {
    let mut response = respond(request, guest).await;
    response.headers_mut().insert(SERVER, HeaderValue::from_static("modemtwin-lab"));
    response
}

async fn respond(request: Request<Incoming>, guest: &Guest) -> Response<Content> {
    let path = request.uri().path().trim_matches('/').to_owned();
    let (name, rest) = path.split_once('/').unwrap_or((&path, ""));
    if (name, rest) == ("echo", "") {
        return echo(request, guest).await;
    }
    let number = |limit: u64| rest.parse().ok().filter(|number| *number <= limit);
    let made = |fill| number(MADE).map(|count| ranged(&request, fill, count));
    let found = match name {
        "" if rest.is_empty() => Some(text(StatusCode::OK, LIST)),
        "hello.txt" if rest.is_empty() => Some(whole("text/plain", HELLO)),
        "gzip" if rest.is_empty() => {
            let mut response = whole("text/plain", HELLO_GZIP);
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            Some(response)
        }
        "text" => made(Fill::Text),
        "bytes" => made(Fill::CountUp),
        "chunked" => number(MADE).map(unmeasured),
        "close" => number(MADE).map(|count| {
            let mut response = unmeasured(count);
            *response.version_mut() = Version::HTTP_10;
            response
        }),
        "slow" => number(SLOW).map(|count| typed("text/plain", Content::slow(count))),
        "redirect" => number(REDIRECTS).map(redirect),
        "status" => number(599).and_then(status),
        _ => None,
    };
    match found {
        None => text(StatusCode::NOT_FOUND, &format!("There is no such thing. There is\n{LIST}")),
        Some(_) if !matches!(*request.method(), Method::GET | Method::HEAD) => {
            let mut response =
                text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD; /echo takes every method.\n");
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
        Some(response) => response,
    }
}

fn typed(kind: &'static str, content: Content) -> Response<Content> {
    let mut response = Response::new(content);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

fn whole(kind: &'static str, bytes: &'static [u8]) -> Response<Content> {
    typed(kind, Content::Whole(Bytes::from_static(bytes)))
}

fn text(status: StatusCode, words: &str) -> Response<Content> {
    let mut response = typed("text/plain", Content::Whole(Bytes::copy_from_slice(words.as_bytes())));
    *response.status_mut() = status;
    response
}

fn unmeasured(count: u64) -> Response<Content> {
    typed("text/plain", Content::Made { fill: Fill::Text, at: 0, end: count, told: false })
}

/// Bytes by a rule, all or a part.
fn ranged(request: &Request<Incoming>, fill: Fill, count: u64) -> Response<Content> {
    let (kind, name) = match fill {
        Fill::Text => ("text/plain", "text"),
        _ => ("application/octet-stream", "bytes"),
    };
    let part = request.headers().get(RANGE).and_then(|value| value.to_str().ok()).and_then(|value| {
        // What cannot be understood is ignored (RFC 9110, 14.2).
        let ranges = http_range_header::parse_range_header(value).ok()?;
        Some(ranges.validate(count))
    });
    let made = |at, end| typed(kind, Content::Made { fill, at, end, told: true });
    let mut response = match part.as_ref().map(|ranges| ranges.as_deref()) {
        None => made(0, count),
        Some(Ok([range])) => {
            let (first, last) = (*range.start(), *range.end());
            let mut response = made(first, last + 1);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            head(&mut response, CONTENT_RANGE, &format!("bytes {first}-{last}/{count}"));
            response
        }
        // There is no part of nothing.
        Some(Ok([]) | Err(_)) => {
            let mut response = text(StatusCode::RANGE_NOT_SATISFIABLE, "It is shorter than that.\n");
            head(&mut response, CONTENT_RANGE, &format!("bytes */{count}"));
            response
        }
        // Of several ranges none is taken: a server may send everything instead.
        Some(Ok(_)) => made(0, count),
    };
    response.headers_mut().insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    head(&mut response, ETAG, &format!("\"{name}-{count}\""));
    response
}

fn redirect(count: u64) -> Response<Content> {
    let target = match count.checked_sub(1) {
        None | Some(0) => "/hello.txt".to_owned(),
        Some(left) => format!("/redirect/{left}"),
    };
    let mut response = text(StatusCode::FOUND, &format!("It is at {target}\n"));
    head(&mut response, LOCATION, &target);
    response
}

fn status(number: u64) -> Option<Response<Content>> {
    let status = u16::try_from(number).ok().and_then(|number| StatusCode::from_u16(number).ok())?;
    let response = match status {
        status if status.is_informational() => return None,
        // These have no body.
        StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED => {
            let mut response = Response::new(Content::none());
            *response.status_mut() = status;
            response
        }
        status => text(status, &format!("{status}\n")),
    };
    Some(response)
}

fn head(response: &mut Response<Content>, name: hyper::header::HeaderName, value: &str) {
    // What is put together here has no control characters.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// What came, as text, and the body behind it.
async fn echo(request: Request<Incoming>, guest: &Guest) -> Response<Content> {
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > BODY as u64 {
        return too_large();
    }
    let mut said = format!("{} {} {:?}\n", parts.method, parts.uri, parts.version).into_bytes();
    for (name, value) in &parts.headers {
        said.extend_from_slice(name.as_str().as_bytes());
        said.extend_from_slice(b": ");
        said.extend_from_slice(value.as_bytes());
        said.push(b'\n');
    }
    let certificate = guest.certificate.as_deref().unwrap_or("none");
    said.extend_from_slice(format!("client certificate: {certificate}\n\n").as_bytes());
    match timeout(BODY_TIME, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => {
            said.extend_from_slice(&body.to_bytes());
            typed("text/plain", Content::Whole(said.into()))
        }
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_large(),
        Ok(Err(_)) => last(text(StatusCode::BAD_REQUEST, "The body is broken.\n")),
        Err(_) => last(text(StatusCode::REQUEST_TIMEOUT, "The body took too long.\n")),
    }
}

fn too_large() -> Response<Content> {
    last(text(StatusCode::PAYLOAD_TOO_LARGE, &format!("At most {BODY} bytes.\n")))
}

/// A response behind which the connection is of no use.
fn last(mut response: Response<Content>) -> Response<Content> {
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_is_what_there_is() {
        assert!(LIST.contains(&MADE.to_string()) && LIST.contains(&SLOW.to_string()));
        assert!(LIST.contains(&format!("redirect to {REDIRECTS}")));
        assert!(LIST.lines().all(|line| line.len() <= 80));
    }
}
