//! Text with placeholders: templates that the host sends, patterns that the module's lines have to match.

use std::collections::HashSet;

use crate::text::escaped;

/// What a placeholder matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{*}`: any bytes but CR and LF, also none.
    Text,
    /// `{d}`: decimal digits, at least one; `{d:15}`: exactly so many.
    Digits(Option<usize>),
    /// `{hex}`: hexadecimal digits, at least one; `{hex:4}`: exactly so many.
    Hex(Option<usize>),
    /// `{ip}`: an IPv4 address in dotted form.
    Ip,
}

/// One part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Just these bytes.
    Bytes(Vec<u8>),
    /// `{name}`: the value of a variable.
    Variable(String),
    /// `{len:NAME}`: the length in bytes of the file bound to that name, as decimal digits.
    Length(String),
    /// `{*}` and so on; with `{name=*}` what matched becomes that variable's value.
    Any(Kind, Option<String>),
}

/// Text with placeholders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// Its parts, in order.
    pub parts: Vec<Part>,
}

impl Template {
    /// Reads `text`. With `patterns`, placeholders that match something are allowed too.
    ///
    /// # Errors
    ///
    /// The index (in bytes) of the fault and what is wrong.
    pub fn parse(text: &str, patterns: bool) -> Result<Self, (usize, String)> {
        let mut parts = Vec::new();
        let mut bytes = Vec::new();
        let mut index = 0;
        while let Some(next) = text[index..].chars().next() {
            let rest = &text[index..];
            match next {
                '\\' => {
                    let (byte, length) = escaped(rest).map_err(|what| (index, what))?;
                    bytes.push(byte);
                    index += length;
                }
                '{' | '}' if rest[1..].starts_with(next) => {
                    bytes.push(rest.as_bytes()[0]);
                    index += 2;
                }
                '}' => return Err((index, String::from("a lone }; write }} for the character itself"))),
                '{' => {
                    let end = rest.find('}').ok_or_else(|| {
                        (index, String::from("{ without }; write {{ for the character itself"))
                    })?;
                    if !bytes.is_empty() {
                        parts.push(Part::Bytes(std::mem::take(&mut bytes)));
                    }
                    parts.push(placeholder(&rest[1..end], patterns).map_err(|what| (index, what))?);
                    index += end + 1;
                }
                other => {
                    index += other.len_utf8();
                    bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        if !bytes.is_empty() {
            parts.push(Part::Bytes(bytes));
        }
        Ok(Self { parts })
    }

    /// A template that stands for just these bytes.
    #[must_use]
    pub fn literal(bytes: &[u8]) -> Self {
        Self { parts: vec![Part::Bytes(bytes.to_vec())] }
    }
}

/// Whether `name` can be the name of a variable or file.
pub(crate) fn is_name(name: &str) -> bool {
    !matches!(name, "d" | "hex" | "ip" | "last" | "len")
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn placeholder(inside: &str, patterns: bool) -> Result<Part, String> {
    const ALLOWED: &str =
        "{name}, {len:NAME}; in answers also {*}, {d}, {d:15}, {hex}, {hex:4}, {ip}, {name=*}";
    let unknown = || format!("{{{inside}}} is no placeholder; there are {ALLOWED}");
    if let Some(name) = inside.strip_prefix("len:") {
        return if is_name(name) { Ok(Part::Length(name.into())) } else { Err(unknown()) };
    }
    let (capture, kind) = match inside.split_once('=') {
        Some((name, kind)) if is_name(name) => (Some(String::from(name)), kind),
        Some(_) => return Err(unknown()),
        None => (None, inside),
    };
    if let Some(kind) = parse_kind(kind) {
        return if patterns {
            Ok(Part::Any(kind, capture))
        } else {
            Err(format!("{{{inside}}} is for what the module answers, not for what is sent"))
        };
    }
    if capture.is_none() && is_name(inside) { Ok(Part::Variable(inside.into())) } else { Err(unknown()) }
}

fn parse_kind(kind: &str) -> Option<Kind> {
    let (name, count) = match kind.split_once(':') {
        Some((name, count)) => (name, Some(count.parse().ok().filter(|&n| n > 0)?)),
        None => (kind, None),
    };
    match (name, count) {
        ("*", None) => Some(Kind::Text),
        ("d", count) => Some(Kind::Digits(count)),
        ("hex", count) => Some(Kind::Hex(count)),
        ("ip", None) => Some(Kind::Ip),
        _ => None,
    }
}

/// How a pattern relates to the bytes that have come so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Matched {
    /// The first `length` bytes match.
    Yes { length: usize, captures: Vec<(String, Vec<u8>)> },
    /// What is there fits, but more has to come.
    More,
    /// It can't match any more; the first `at` bytes still fitted.
    No { at: usize },
}

/// Matches `parts` (resolved: only bytes and placeholders) against the start of `input`.
pub(crate) fn matches(parts: &[Part], input: &[u8]) -> Matched {
    let mut search =
        Search { parts, input, dead: HashSet::new(), furthest: 0, more: false, ends: Vec::new() };
    if search.from(0, 0) {
        let Search { ends, .. } = search;
        let mut start = 0;
        let mut captures = Vec::new();
        for (part, end) in parts.iter().zip(ends.iter().rev().copied()) {
            if let Part::Any(_, Some(name)) = part {
                captures.push((name.clone(), input[start..end].to_vec()));
            }
            start = end;
        }
        return Matched::Yes { length: start, captures };
    }
    if search.more { Matched::More } else { Matched::No { at: search.furthest } }
}

struct Search<'a> {
    parts: &'a [Part],
    input: &'a [u8],
    /// Part and position from where nothing matches: keeps several `{*}` in one line from costing more than their product.
    dead: HashSet<(usize, usize)>,
    furthest: usize,
    more: bool,
    /// Where each part ended, last part first.
    ends: Vec<usize>,
}

impl Search<'_> {
    fn from(&mut self, part: usize, position: usize) -> bool {
        let Some(current) = self.parts.get(part) else { return true };
        if self.dead.contains(&(part, position)) {
            return false;
        }
        let rest = &self.input[position..];
        let found = match current {
            Part::Bytes(bytes) => {
                let common = bytes.iter().zip(rest).take_while(|(a, b)| a == b).count();
                self.furthest = self.furthest.max(position + common);
                self.more |= common == rest.len() && common < bytes.len();
                common == bytes.len() && self.then(part, position + common)
            }
            Part::Any(kind, _) => {
                let (longest, shortest) = run(*kind, rest);
                self.furthest = self.furthest.max(position + longest);
                let wanted = exact(*kind);
                self.more |= longest == rest.len() && wanted.is_none_or(|n| longest < n);
                (shortest..=longest).rev().any(|length| {
                    accepts(*kind, &self.input[position..position + length])
                        && self.then(part, position + length)
                })
            }
            // Resolved before matching.
            Part::Variable(_) | Part::Length(_) => false,
        };
        if !found {
            self.dead.insert((part, position));
        }
        found
    }

    fn then(&mut self, part: usize, end: usize) -> bool {
        let found = self.from(part + 1, end);
        if found {
            self.ends.push(end);
        }
        found
    }
}

fn exact(kind: Kind) -> Option<usize> {
    match kind {
        Kind::Digits(count) | Kind::Hex(count) => count,
        Kind::Text => None,
        Kind::Ip => Some(15),
    }
}

/// The longest run at the start of `rest` that could belong to `kind`, and the shortest that could be accepted.
fn run(kind: Kind, rest: &[u8]) -> (usize, usize) {
    let count = |fits: fn(&u8) -> bool| rest.iter().take_while(|b| fits(b)).count();
    let limit = exact(kind);
    let longest = match kind {
        Kind::Text => count(|b| !matches!(b, b'\r' | b'\n')),
        Kind::Digits(_) => count(u8::is_ascii_digit),
        Kind::Hex(_) => count(u8::is_ascii_hexdigit),
        Kind::Ip => count(|b| b.is_ascii_digit() || *b == b'.'),
    };
    let shortest = match kind {
        Kind::Text => 0,
        Kind::Digits(n) | Kind::Hex(n) => n.unwrap_or(1),
        Kind::Ip => 7,
    };
    (longest.min(limit.unwrap_or(usize::MAX)), shortest)
}

fn accepts(kind: Kind, bytes: &[u8]) -> bool {
    kind != Kind::Ip || str::from_utf8(bytes).is_ok_and(|text| text.parse::<std::net::Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn try_match(pattern: &str, input: &[u8]) -> Matched {
        matches(&Template::parse(pattern, true).unwrap().parts, input)
    }

    fn captured(pattern: &str, input: &[u8]) -> Vec<(String, Vec<u8>)> {
        match try_match(pattern, input) {
            Matched::Yes { captures, .. } => captures,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn literals_need_every_byte() {
        assert_eq!(try_match("OK\\r\\n", b"OK\r\nmore"), Matched::Yes { length: 4, captures: vec![] });
        assert_eq!(try_match("OK\\r\\n", b"OK"), Matched::More);
        assert_eq!(try_match("OK\\r\\n", b""), Matched::More);
        assert_eq!(try_match("OK\\r\\n", b"OX"), Matched::No { at: 1 });
    }

    #[test]
    fn placeholders_stop_at_the_line_end() {
        assert_eq!(try_match("a{*}\\r\\n", b"abc\r\ndef\r\n"), Matched::Yes { length: 5, captures: vec![] });
        assert_eq!(try_match("a{*}\\r\\n", b"abc"), Matched::More);
        assert_eq!(try_match("a{*}z\\r\\n", b"abc\r\n"), Matched::No { at: 3 });
    }

    #[test]
    fn placeholders_give_back_what_the_rest_needs() {
        assert_eq!(
            captured("{a=*},{b=*}\\r", b"1,2,3\r"),
            [("a".into(), b"1,2".to_vec()), ("b".into(), b"3".to_vec())]
        );
        assert_eq!(captured("{a=d}0\\r", b"1200\r"), [("a".into(), b"120".to_vec())]);
    }

    #[test]
    fn counted_digits_and_addresses() {
        assert_eq!(try_match("{d:3}\\r", b"1234\r"), Matched::No { at: 3 });
        assert_eq!(try_match("{d:3}\\r", b"12"), Matched::More);
        assert_eq!(captured("{x=hex:4}\\r", b"0aF9\r"), [("x".into(), b"0aF9".to_vec())]);
        assert_eq!(captured("{x=ip}:", b"10.0.0.255:"), [("x".into(), b"10.0.0.255".to_vec())]);
        assert!(matches!(try_match("{ip}\\r", b"10.0.0.256\r"), Matched::No { .. }));
        assert!(matches!(try_match("{d}\\r", b"\r"), Matched::No { .. }));
    }

    #[test]
    fn many_wildcards_on_a_long_line_end() {
        let line = vec![b'a'; 4000];
        let mut input = line.clone();
        input.extend_from_slice(b"\r\n");
        assert!(matches!(try_match("{*}b{*}b{*}b{*}b\\r\\n", &input), Matched::No { .. }));
    }

    #[test]
    fn braces_and_faults() {
        assert_eq!(Template::parse("{{x}}", false).unwrap(), Template::literal(b"{x}"));
        assert_eq!(Template::parse("a{", false).unwrap_err().0, 1);
        assert_eq!(Template::parse("ab}", false).unwrap_err().0, 2);
        assert!(Template::parse("{*}", false).unwrap_err().1.contains("not for what is sent"));
        assert!(Template::parse("{d:0}", true).is_err());
        assert!(Template::parse("{}", true).is_err());
        assert!(Template::parse("{é}", true).is_err());
        assert_eq!(Template::parse("{len:ca.crt}", false).unwrap().parts, [Part::Length("ca.crt".into())]);
    }
}
