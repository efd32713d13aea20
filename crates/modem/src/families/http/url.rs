//! Where a request goes: URLs as typed, and as redirects name them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

/// The longest Location that is followed.
const LONGEST_LOCATION: usize = 2048;

/// What a URL comes to. Its `Debug` form hides the path, which may carry secrets.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) tls: bool,
    /// A name or an IPv4 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query, as the request line has them; begins with `/`.
    pub(super) target: String,
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Url")
            .field("tls", &self.tls)
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

impl Url {
    /// Reads a URL. Without a scheme it is `https` if `tls`, else `http`.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the URL.
    pub(super) fn parse(text: &str, tls: bool, longest_host: usize) -> Result<Self, &'static str> {
        if text.chars().any(|c| c == ' ' || c.is_control()) {
            return Err("the URL has a blank or a control character in it");
        }
        let (tls, rest) = match scheme(text) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err("the URL's scheme is neither http nor https"),
            None => (tls, text),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        if authority.contains('@') {
            return Err("the URL has a user name in it: credentials belong into a header (USER_DEFINED, Authorization)");
        }
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if host.is_empty() || host.len() > longest_host || !host.bytes().all(named) {
            return Err("the URL's host is not a name or an IPv4 address");
        }
        let port = match port {
            "" if tls => 443,
            "" => 80,
            digits if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port != 0).ok_or("the URL's port is not within 1 to 65535")?
            }
            _ => return Err("the URL's port is not a number"),
        };
        Ok(Self { tls, host: host.into(), port, target: target(rest) })
    }

    /// What a Location says, seen from here; `None` if it is nowhere to go.
    pub(super) fn join(&self, location: &[u8], longest_host: usize) -> Option<Self> {
        let text = core::str::from_utf8(location).ok()?;
        if text.len() > LONGEST_LOCATION {
            return None;
        }
        if scheme(text).is_some() {
            return Self::parse(text, self.tls, longest_host).ok();
        }
        if let Some(authority) = text.strip_prefix("//") {
            return Self::parse(authority, self.tls, longest_host).ok();
        }
        let head = text.split(['/', '?', '#']).next().unwrap_or_default();
        if head.contains(':') || text.chars().any(|c| c == ' ' || c.is_control()) {
            return None;
        }
        let path = self.target.split('?').next().unwrap_or_default();
        let reference = text.split('#').next().unwrap_or_default();
        let joined = match reference.as_bytes().first() {
            None => self.target.clone(),
            Some(b'/') => reference.into(),
            Some(b'?') => format!("{path}{reference}"),
            Some(_) => {
                let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
                format!("{directory}/{reference}")
            }
        };
        Some(Self { target: target(&joined), ..self.clone() })
    }

    /// Whether both are of the same server.
    pub(super) fn same_origin(&self, other: &Self) -> bool {
        self.tls == other.tls && self.port == other.port && self.host.eq_ignore_ascii_case(&other.host)
    }

    /// The scheme's name.
    pub(super) fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    /// Host, and port where it is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        match self.port {
            port if port == usual => self.host.clone(),
            port => format!("{}:{port}", self.host),
        }
    }
}

fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    (scheme.bytes().next().is_some_and(|b| b.is_ascii_alphabetic()) && scheme.bytes().all(named))
        .then_some((scheme, rest))
}

/// The request line's part of what stands behind the authority: no fragment, no `.` and `..`, ASCII only.
fn target(rest: &str) -> String {
    let rest = rest.split('#').next().unwrap_or_default();
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (rest, None),
    };
    let mut parts: Vec<&str> = Vec::new();
    let path = path.strip_prefix('/').unwrap_or(path);
    let last = path.split('/').count() - 1;
    for (index, part) in path.split('/').enumerate() {
        match part {
            "." | ".." => {
                if part == ".." {
                    parts.pop();
                }
                if index == last {
                    parts.push("");
                }
            }
            part => parts.push(part),
        }
    }
    let mut target = String::from("/");
    escape(&mut target, &parts.join("/"));
    if let Some(query) = query {
        target.push('?');
        escape(&mut target, query);
    }
    target
}

fn escape(to: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            0x21..=0x7E => to.push(char::from(byte)),
            // Writing into a String cannot fail.
            _ => drop(write!(to, "%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, &'static str> {
        Url::parse(text, false, 128).map(|url| shown(&url))
    }

    fn shown(url: &Url) -> String {
        format!("{} {} {} {}", url.scheme(), url.host, url.port, url.target)
    }

    #[test]
    fn schemes_ports_and_paths() {
        for (text, wanted) in [
            ("http://a.example", "http a.example 80 /"),
            ("HTTPS://a.example/", "https a.example 443 /"),
            ("a.example", "http a.example 80 /"),
            ("a.example:2900/x?y=http://z", "http a.example 2900 /x?y=http://z"),
            ("192.0.2.7:81", "http 192.0.2.7 81 /"),
            ("http://a.example?x=1#y", "http a.example 80 /?x=1"),
            ("http://a.example:/x/../y/./z/", "http a.example 80 /y/z/"),
            ("http://a.example/x/..", "http a.example 80 /"),
            ("http://a.example/../../x", "http a.example 80 /x"),
            ("http://a.example//x", "http a.example 80 //x"),
            ("http://a.example/\u{e4}?\u{e4}", "http a.example 80 /%C3%A4?%C3%A4"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_url() {
        for text in [
            "", "http://", "http:///x", "ftp://a.example", "http://a.example:0", "http://a.example:65536", "http://a.example:x",
            "http://me:secret@a.example/", "http://[::1]/", "http://a.example/x y", "http://a\u{7f}b/", "http://\u{e4}.example/",
            "http://a.example\\x",
        ] {
            assert!(parsed(text).is_err(), "{text}");
        }
        assert!(Url::parse(&format!("http://{}/", "a".repeat(129)), false, 128).is_err());
        assert_eq!(Url::parse("a.example", true, 128).map(|url| shown(&url)), Ok("https a.example 443 /".into()));
    }

    #[test]
    fn locations() {
        let base = Url::parse("http://a.example:81/x/y?q", false, 128).expect("a URL");
        for (location, wanted) in [
            ("https://b.example/z", Some("https b.example 443 /z")),
            ("//b.example/z", Some("http b.example 80 /z")),
            ("/z", Some("http a.example 81 /z")),
            ("z", Some("http a.example 81 /x/z")),
            ("../z?w#v", Some("http a.example 81 /z?w")),
            ("?z", Some("http a.example 81 /x/y?z")),
            ("", Some("http a.example 81 /x/y?q")),
            ("ftp://b.example/", None),
            ("mailto:me", None),
            ("/z y", None),
            ("http://me@b.example/", None),
        ] {
            let joined = base.join(location.as_bytes(), 128).map(|url| shown(&url));
            assert_eq!(joined.as_deref(), wanted, "{location}");
        }
        assert_eq!(base.join(b"/\xff", 128), None);
        assert_eq!(base.join(format!("/{}", "x".repeat(2048)).as_bytes(), 128), None);
    }
}
