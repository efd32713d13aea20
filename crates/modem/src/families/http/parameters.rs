//! HTTPPARA: what the next requests are made of.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use at::Arg;
use core::fmt;
use core::net::Ipv4Addr;

use super::url::Url;
use super::{headers, idle_session, session};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::profile::Profile;

/// TIMEOUT at first, in seconds.
const TIMEOUT: u32 = 120;

/// What HTTPPARA sets. Its `Debug` form hides what may be secret.
#[derive(Clone)]
pub(super) struct Parameters {
    pub(super) bearer: u8,
    pub(super) url: String,
    pub(super) agent: String,
    pub(super) proxy: Ipv4Addr,
    pub(super) proxy_port: u16,
    pub(super) redirects: bool,
    pub(super) first: u32,
    pub(super) last: u32,
    pub(super) timeout: u32,
    pub(super) content: String,
    /// USER_DEFINED, each as it leaves.
    pub(super) defined: Vec<String>,
    /// USERDATA as typed.
    pub(super) user_data: String,
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parameters").field("bearer", &self.bearer).finish_non_exhaustive()
    }
}

impl Parameters {
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            bearer: 1,
            url: String::new(),
            agent: profile.http.agent.into(),
            proxy: Ipv4Addr::UNSPECIFIED,
            proxy_port: 0,
            redirects: false,
            first: 0,
            last: 0,
            timeout: TIMEOUT,
            content: String::new(),
            defined: Vec::new(),
            user_data: String::new(),
        }
    }

    /// The proxy, if both its parameters are set.
    pub(super) fn proxy(&self) -> Option<(Ipv4Addr, u16)> {
        (!self.proxy.is_unspecified() && self.proxy_port != 0).then_some((self.proxy, self.proxy_port))
    }

    /// The value of a Range header, if one is to be sent.
    pub(super) fn range(&self) -> Option<String> {
        match (self.first, self.last) {
            (0, 0) => None,
            (first, last) if last < first => Some(format!("bytes={first}-")),
            (first, last) => Some(format!("bytes={first}-{last}")),
        }
    }

    /// All header lines that the host adds.
    pub(super) fn headers(&self) -> Vec<String> {
        let mut lines = self.defined.clone();
        // It was checked when it came in.
        lines.extend(headers::several(&self.user_data).unwrap_or_default());
        lines
    }

    /// Sets one parameter.
    ///
    /// # Errors
    /// A sentence that says what is wrong, without the value.
    pub(super) fn set(&mut self, profile: &Profile, tag: Tag, value: &str) -> Result<(), Cow<'static, str>> {
        let limits = &profile.http;
        let longest = if matches!(tag, Tag::Url) { limits.url } else { limits.text };
        if value.len() > longest {
            return Err(format!("the value is longer than {longest} bytes").into());
        }
        match tag {
            Tag::Bearer => self.bearer = number(value, 1, 3)?,
            Tag::Url => {
                if !value.is_empty() {
                    Url::parse(value, false, profile.name_limits.host)?;
                }
                self.url = value.into();
            }
            Tag::Agent => {
                headers::check_value(value)?;
                self.agent = value.into();
            }
            Tag::Proxy => self.proxy = value.parse().map_err(|_| "the proxy is an IPv4 address")?,
            Tag::ProxyPort => self.proxy_port = number(value, 0, u16::MAX)?,
            Tag::Redirects => self.redirects = number(value, 0, 1)? == 1u8,
            Tag::First => self.first = number(value, 0, u32::MAX)?,
            Tag::Last => self.last = number(value, 0, u32::MAX)?,
            Tag::Timeout => self.timeout = number(value, 1, 65_535)?,
            Tag::Content => {
                headers::check_value(value)?;
                self.content = value.into();
            }
            Tag::Defined if value.is_empty() => self.defined.clear(),
            Tag::Defined => {
                let line = headers::one(value)?;
                let all: usize = self.defined.iter().map(String::len).sum();
                if all + line.len() > limits.headers {
                    return Err(format!("all headers of USER_DEFINED together are longer than {} bytes", limits.headers).into());
                }
                self.defined.push(line);
            }
            Tag::UserData => {
                headers::several(value)?;
                self.user_data = value.into();
            }
        }
        Ok(())
    }

    /// The value that `tag` has, as [`set`](Self::set) takes it; of USER_DEFINED the header lines, one after the other.
    pub(super) fn get(&self, tag: Tag) -> String {
        match tag {
            Tag::Bearer => format!("{}", self.bearer),
            Tag::Url => self.url.clone(),
            Tag::Agent => self.agent.clone(),
            Tag::Proxy => format!("{}", self.proxy),
            Tag::ProxyPort => format!("{}", self.proxy_port),
            Tag::Redirects => format!("{}", u8::from(self.redirects)),
            Tag::First => format!("{}", self.first),
            Tag::Last => format!("{}", self.last),
            Tag::Timeout => format!("{}", self.timeout),
            Tag::Content => self.content.clone(),
            Tag::Defined => String::new(),
            Tag::UserData => self.user_data.clone(),
        }
    }
}

fn number<T>(text: &str, low: T, high: T) -> Result<T, String>
where
    T: TryFrom<u32> + PartialOrd + Copy + fmt::Display,
{
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number: Option<u32> = if digits { text.parse().ok() } else { None };
    let number = number.and_then(|number| T::try_from(number).ok());
    number.filter(|number| (low..=high).contains(number)).ok_or_else(|| format!("the value is not a number from {low} to {high}"))
}

/// HTTPPARA's tags, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Bearer,
    Url,
    Agent,
    Proxy,
    ProxyPort,
    Redirects,
    First,
    Last,
    Timeout,
    Content,
    Defined,
    UserData,
}

pub(super) const TAGS: [(Tag, &str); 12] = [
    (Tag::Bearer, "CID"),
    (Tag::Url, "URL"),
    (Tag::Agent, "UA"),
    (Tag::Proxy, "PROIP"),
    (Tag::ProxyPort, "PROPORT"),
    (Tag::Redirects, "REDIR"),
    (Tag::First, "BREAK"),
    (Tag::Last, "BREAKEND"),
    (Tag::Timeout, "TIMEOUT"),
    (Tag::Content, "CONTENT"),
    (Tag::Defined, "USER_DEFINED"),
    (Tag::UserData, "USERDATA"),
];

pub(super) const HTTPPARA: Command = Command {
    syntax: &[
        "AT+HTTPPARA=\"CID\",<bearer 1-3>          default 1",
        "AT+HTTPPARA=\"URL\",<url>                 http:// or https://<host>[:<port>]/<path>; the scheme may be missing",
        "AT+HTTPPARA=\"UA\",<user agent>           default AM_MODULE",
        "AT+HTTPPARA=\"PROIP\",<IPv4 address>      proxy; default 0.0.0.0, none",
        "AT+HTTPPARA=\"PROPORT\",<port>            its port; default 0, none",
        "AT+HTTPPARA=\"REDIR\",<0-1>               1 follows redirects; default 0",
        "AT+HTTPPARA=\"BREAK\",<first byte>        of a range; default 0",
        "AT+HTTPPARA=\"BREAKEND\",<last byte>      default 0",
        "AT+HTTPPARA=\"TIMEOUT\",<1-65535 s>       default 120",
        "AT+HTTPPARA=\"CONTENT\",<content type>    default none",
        "AT+HTTPPARA=\"USER_DEFINED\",\"<name>: <value>\"   one header more; \"\" none at all",
        "AT+HTTPPARA=\"USERDATA\",\"<name>: <value>\\r\\n<name>: <value>\"   headers, all at once",
        "AT+HTTPPARA?",
        "AT+HTTPPARA=?",
    ],
    reference: "manual AT+HTTPPARA",
    evidence: Evidence::Documented,
    remarks: "Tags in any case, tags and values quoted or bare (a bare URL may have commas in it). Without AT+HTTPINIT, and while \
              AT+HTTPACTION is under way: +CME ERROR: 3 (assumed). A URL of at most 500 bytes; its default port is 80, of https 443 \
              (assumed); a user name in it is ERROR (assumed). Other texts have at most 1024 bytes (assumed). BREAK and BREAKEND count \
              for GET: both 0 no range, BREAKEND below BREAK to the end, equal ones one byte (assumed). TIMEOUT is the longest silence \
              (assumed), its range, too. In USERDATA and USER_DEFINED \\22 is a quote; in USERDATA the four characters \\r\\n separate \
              headers, in USER_DEFINED they are ERROR (assumed). A second USERDATA replaces the first, an empty USER_DEFINED forgets \
              all (both assumed). A header that the module sends, too, takes its place; Content-Length and Transfer-Encoding are the \
              module's alone and are left out (assumed). The query shows USERDATA as typed, and no USER_DEFINED (assumed). A proxy \
              needs both PROIP and PROPORT (assumed).",
    read: Some(show),
    set: Some(set),
    test: Test::Text("+HTTPPARA: \"HTTPParamTag\",\" HTTPParamValue\""),
    examples: &[
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=\"CID\",1", "\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=\"URL\",\"http://airtest.openluat.com:2900/download/hello.txt\"", "\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=url,https://server.example/a,b", "\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=\"USER_DEFINED\",\"X-Tag: \\22a\\22\"", "\r\nOK\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=\"USER_DEFINED\",\"X-Tag: a\\r\\nX-Tag: b\"", "\r\nERROR\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=\"REDIR\",2", "\r\nERROR\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPPARA=\"METHOD\",\"GET\"", "\r\nERROR\r\n"),
        example("AT+HTTPPARA=\"CID\",1", "\r\n+CME ERROR: 3\r\n"),
        example_after(
            &["AT+HTTPINIT"],
            "AT+HTTPPARA?",
            "\r\n+HTTPPARA: \r\nCID: 1\r\nURL: \r\nUA: AM_MODULE\r\nPROIP: 0.0.0.0\r\nPROPORT: 0\r\nREDIR: 0\r\nBREAK: 0\r\n\
             BREAKEND: 0\r\nTIMEOUT: 120\r\nCONTENT:\r\nUSERDATA: \r\n\r\nOK\r\n",
        ),
        example("AT+HTTPPARA=?", "\r\n+HTTPPARA: \"HTTPParamTag\",\" HTTPParamValue\"\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPPARA", "Parameters of HTTP requests")
};

fn set(x: &mut Exchange<'_>) -> Answer {
    let typed = x.args.text(16)?;
    let known = TAGS.into_iter().find(|(_, name)| name.eq_ignore_ascii_case(typed));
    let (tag, _) = known.ok_or_else(|| {
        Fault::error(
            "the tags are CID, URL, UA, PROIP, PROPORT, REDIR, BREAK, BREAKEND, TIMEOUT, CONTENT, USER_DEFINED and USERDATA",
        )
    })?;
    let value = value(x)?;
    let profile = x.profile();
    idle_session(x.module)?.parameters.set(profile, tag, &value).map_err(Fault::error)?;
    if matches!(tag, Tag::Defined | Tag::UserData) && names_length(tag, &value) {
        let text = "Content-Length and Transfer-Encoding are the module's own: the one that was given is not sent";
        x.module.note(Some(x.line), "AT+HTTPPARA=", text);
    }
    Ok(Outcome::Ok)
}

/// Whether one of these headers says how long the body is.
fn names_length(tag: Tag, value: &str) -> bool {
    match tag {
        Tag::UserData => headers::several(value).is_ok_and(|lines| lines.iter().any(|line| headers::frames(line))),
        _ => headers::frames(value),
    }
}

/// The second parameter, quoted or bare. A bare one goes to the end of the command, commas included.
fn value(x: &mut Exchange<'_>) -> Result<String, Fault> {
    if x.args.left() == 0 {
        return Err(Fault::error("the value is missing; an empty one is written \"\""));
    }
    let not_text = |_| Fault::error("the value is not valid text");
    let mut value = match x.args.arg()? {
        Arg::Quoted(bytes) => {
            let value = core::str::from_utf8(bytes).map_err(not_text)?.into();
            x.args.finish()?;
            return Ok(value);
        }
        Arg::Bare(bytes) => String::from(core::str::from_utf8(bytes).map_err(not_text)?),
        Arg::Omitted => String::new(),
    };
    while x.args.left() > 0 {
        value.push(',');
        match x.args.arg()? {
            Arg::Bare(bytes) => value.push_str(core::str::from_utf8(bytes).map_err(not_text)?),
            Arg::Omitted => {}
            Arg::Quoted(_) => return Err(Fault::error("a value is quoted whole or not at all")),
        }
    }
    Ok(value)
}

fn show(x: &mut Exchange<'_>) -> Answer {
    let parameters = session(x.module)?.parameters.clone();
    x.info(format_args!("+HTTPPARA: "));
    for (tag, name) in TAGS {
        match tag {
            Tag::Defined => {}
            // As the manual prints it.
            Tag::Content => x.info(format_args!("{name}:{}", parameters.content)),
            tag => x.info(format_args!("{name}: {}", parameters.get(tag))),
        }
    }
    Ok(Outcome::Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AIR724UG;

    #[test]
    fn ranges() {
        let mut parameters = Parameters::new(&AIR724UG);
        for (first, last, wanted) in [
            (0, 0, None),
            (0, 3071, Some("bytes=0-3071")),
            (3072, 6143, Some("bytes=3072-6143")),
            (3072, 0, Some("bytes=3072-")),
            (7, 7, Some("bytes=7-7")),
        ] {
            (parameters.first, parameters.last) = (first, last);
            assert_eq!(parameters.range().as_deref(), wanted);
        }
    }

    #[test]
    fn numbers_are_digits() {
        assert_eq!((number("7", 1, 9), number("07", 1u8, 9)), (Ok(7u8), Ok(7)));
        for text in ["", "+7", "7 ", "0", "10", "99999999999"] {
            assert!(number(text, 1u8, 9).is_err(), "{text}");
        }
    }
}
