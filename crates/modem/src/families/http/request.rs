//! Requests as they leave.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::headers;
use super::parameters::Parameters;
use super::url::Url;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Head,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Head => "HEAD",
        }
    }
}

/// A request's head, and who it is for.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    pub(super) url: &'a Url,
    pub(super) parameters: &'a Parameters,
    /// How long the body is.
    pub(super) body: usize,
    /// It goes through a proxy: in plain text that reads it, and wants the server named in the request line.
    pub(super) proxied: bool,
    /// The server is the one that the host has named.
    pub(super) trusted: bool,
}

impl Request<'_> {
    /// Request line, header lines, empty line.
    pub(super) fn head(&self) -> Vec<u8> {
        let Self { method, url, parameters, body, proxied, trusted } = self;
        let mut head = Head::default();
        let authority = url.authority();
        let tunnel = *proxied && url.tls;
        let place = if *proxied && !tunnel { format!("{}://{authority}", url.scheme()) } else { String::new() };
        head.line(&format!("{} {place}{} HTTP/1.1", method.name(), url.target));
        let mut added = parameters.headers();
        added.retain(|line| match headers::is_for_proxy(line) {
            // It reads this head, whoever the server behind it is; of a tunnel it has had its own.
            true => *proxied && !tunnel,
            false => !headers::frames(line) && (*trusted || headers::travels(line)),
        });
        let has = |name: &str| added.iter().any(|line| headers::name(line).eq_ignore_ascii_case(name));
        let mut own = |name: &str, value: &str| {
            // What the host has added stands in the place of ours.
            if !has(name) {
                head.line(&format!("{name}: {value}"));
            }
        };
        own("Host", &authority);
        own("User-Agent", &parameters.agent);
        own("Accept", "*/*");
        let range = parameters.range().filter(|_| *method == Method::Get);
        if let Some(range) = range {
            own("Range", &range);
        }
        if *method == Method::Post {
            if !parameters.content.is_empty() {
                own("Content-Type", &parameters.content);
            }
            head.line(&format!("Content-Length: {body}"));
        }
        for line in &added {
            head.line(line);
        }
        head.end()
    }
}

/// The request for a way through a proxy.
pub(super) fn connect(url: &Url, parameters: &Parameters) -> Vec<u8> {
    let Url { host, port, .. } = url;
    let mut head = Head::default();
    head.line(&format!("CONNECT {host}:{port} HTTP/1.1"));
    head.line(&format!("Host: {host}:{port}"));
    head.line(&format!("User-Agent: {}", parameters.agent));
    for line in parameters.headers().iter().filter(|line| headers::is_for_proxy(line)) {
        head.line(line);
    }
    head.end()
}

#[derive(Default)]
struct Head {
    bytes: Vec<u8>,
}

impl Head {
    fn line(&mut self, text: &str) {
        // Every text was checked when it came in; here it is made certain.
        self.bytes.extend(text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)));
        self.bytes.extend_from_slice(b"\r\n");
    }

    fn end(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(b"\r\n");
        self.bytes
    }
}
