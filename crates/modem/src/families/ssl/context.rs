//! One SSL context: its twelve parameters, each set or unset.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::families::{clock, files};
use crate::io::ModulePath;
use crate::module::Module;
use crate::profile::Profile;
use crate::ssl::{Premaster, SecLevel, SslVersion, TlsRequest};

const ALL_SUITES: u16 = 0xFFFF;

/// The keywords of SSLCFG, in the guide's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    SslVersion,
    CipherSuite,
    CaCert,
    ClientCert,
    ClientKey,
    SecLevel,
    HostName,
    IgnoreLocalTime,
    NegotiateTimeout,
    ClientRandom,
    Premaster,
    VerifyMode,
}

const KEYWORDS: [(&str, Keyword); 12] = [
    ("sslversion", Keyword::SslVersion),
    ("ciphersuite", Keyword::CipherSuite),
    ("cacert", Keyword::CaCert),
    ("clientcert", Keyword::ClientCert),
    ("clientkey", Keyword::ClientKey),
    ("seclevel", Keyword::SecLevel),
    ("hostname", Keyword::HostName),
    ("ignorelocaltime", Keyword::IgnoreLocalTime),
    ("negotiatetimeout", Keyword::NegotiateTimeout),
    ("clientrandom", Keyword::ClientRandom),
    ("premaster", Keyword::Premaster),
    ("verifymode", Keyword::VerifyMode),
];

impl Keyword {
    /// In any case: drivers write keywords in either.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        KEYWORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, keyword)| *keyword)
    }

    pub(super) fn text(self) -> &'static str {
        KEYWORDS.iter().find(|(_, keyword)| *keyword == self).map_or("", |(name, _)| name)
    }

    pub(super) fn list() -> String {
        KEYWORDS.map(|(name, _)| name).join(", ")
    }
}

/// What is set. Strings as typed, so that a query shows what was said.
#[derive(Debug, Default)]
pub(super) struct Context {
    version: Option<SslVersion>,
    suite: Option<u16>,
    cacert: Option<String>,
    clientcert: Option<String>,
    clientkey: Option<String>,
    seclevel: Option<SecLevel>,
    hostname: Option<String>,
    ignore_time: Option<bool>,
    timeout: Option<u16>,
    client_random: Option<Vec<u8>>,
    premaster: Option<Premaster>,
    verify_mode: Option<bool>,
}

impl Context {
    pub(super) fn erase(&mut self, keyword: Keyword) {
        match keyword {
            Keyword::SslVersion => self.version = None,
            Keyword::CipherSuite => self.suite = None,
            Keyword::CaCert => self.cacert = None,
            Keyword::ClientCert => self.clientcert = None,
            Keyword::ClientKey => self.clientkey = None,
            Keyword::SecLevel => self.seclevel = None,
            Keyword::HostName => self.hostname = None,
            Keyword::IgnoreLocalTime => self.ignore_time = None,
            Keyword::NegotiateTimeout => self.timeout = None,
            Keyword::ClientRandom => self.client_random = None,
            Keyword::Premaster => self.premaster = None,
            Keyword::VerifyMode => self.verify_mode = None,
        }
    }

    /// Sets one parameter. An empty string erases it.
    ///
    /// # Errors
    /// A sentence that says what the value should have been; nothing is changed then.
    pub(super) fn set(&mut self, keyword: Keyword, value: &str, profile: &Profile) -> Result<(), String> {
        if value.is_empty() {
            self.erase(keyword);
            return Ok(());
        }
        match keyword {
            Keyword::SslVersion => self.version = SslVersion::from_number(small(value, 0, 4)?),
            Keyword::CipherSuite => self.suite = Some(suite(value, profile)?),
            Keyword::CaCert => self.cacert = Some(file(value, profile)?),
            Keyword::ClientCert => self.clientcert = Some(file(value, profile)?),
            Keyword::ClientKey => self.clientkey = Some(file(value, profile)?),
            Keyword::SecLevel => self.seclevel = SecLevel::from_number(small(value, 0, 2)?),
            Keyword::HostName => self.hostname = Some(host_name(value, profile)?),
            Keyword::IgnoreLocalTime => self.ignore_time = Some(small(value, 0, 1)? == 1),
            Keyword::NegotiateTimeout => self.timeout = Some(number(value, 10, 300)?),
            Keyword::ClientRandom => self.client_random = Some(client_random(value)?),
            Keyword::Premaster => self.premaster = Some(premaster(value)?),
            Keyword::VerifyMode => self.verify_mode = Some(small(value, 0, 1)? == 1),
        }
        Ok(())
    }

    /// The value as a query prints it.
    pub(super) fn value(&self, keyword: Keyword) -> String {
        let text = |value: &Option<String>| format!("\"{}\"", value.as_deref().unwrap_or(""));
        match keyword {
            Keyword::SslVersion => self.version().number().to_string(),
            Keyword::CipherSuite => format!("0X{:04X}", self.suite.unwrap_or(ALL_SUITES)),
            Keyword::CaCert => text(&self.cacert),
            Keyword::ClientCert => text(&self.clientcert),
            Keyword::ClientKey => text(&self.clientkey),
            Keyword::SecLevel => self.seclevel().number().to_string(),
            Keyword::HostName => text(&self.hostname),
            Keyword::IgnoreLocalTime => u8::from(self.ignore_time.unwrap_or(false)).to_string(),
            Keyword::NegotiateTimeout => self.timeout_seconds().to_string(),
            Keyword::ClientRandom => text(&self.client_random.as_deref().map(hex)),
            Keyword::Premaster => text(&self.premaster.as_ref().map(|secret| match secret {
                Premaster::Random(bytes) => hex(bytes),
                Premaster::Whole(bytes) => hex(bytes),
            })),
            Keyword::VerifyMode => u8::from(self.verify_mode.unwrap_or(false)).to_string(),
        }
    }

    fn version(&self) -> SslVersion {
        self.version.unwrap_or(SslVersion::All)
    }

    fn seclevel(&self) -> SecLevel {
        self.seclevel.unwrap_or(SecLevel::None)
    }

    fn timeout_seconds(&self) -> u16 {
        self.timeout.unwrap_or(300)
    }
}

/// The TLS connect that context `number` asks for now, to `host`; `None` if the profile has no such context.
pub(crate) fn request(module: &Module, number: u8, host: &str) -> Option<TlsRequest> {
    let profile = module.setup.profile;
    if !profile.ssl_contexts.contains(&number) {
        return None;
    }
    let unset = Context::default();
    let contexts = &module.families.ssl.contexts;
    let context =
        contexts.iter().find(|(context, _)| *context == number).map_or(&unset, |(_, context)| context);
    let path = |name: &Option<String>| -> Option<ModulePath> {
        name.as_deref().and_then(|name| files::path(profile, name).ok().flatten())
    };
    let now = clock::unix_now(module);
    Some(TlsRequest {
        context: number,
        version: context.version(),
        suites: match context.suite {
            None | Some(ALL_SUITES) => profile.ssl_suites.to_vec(),
            Some(suite) => alloc::vec![suite],
        },
        seclevel: context.seclevel(),
        cacert: path(&context.cacert),
        clientcert: path(&context.clientcert),
        clientkey: path(&context.clientkey),
        partial_chain: context.verify_mode.unwrap_or(false),
        hostname: context.hostname.clone(),
        host: host.into(),
        ignore_time: context.ignore_time.unwrap_or(false),
        now,
        clock_set: clock::is_set(module),
        client_random: context.client_random.as_deref().map(|bytes| whole_random(bytes, now)),
        premaster: context.premaster,
        timeout: u64::from(context.timeout_seconds()) * 1000,
        resumable: false,
        resume: None,
    })
}

/// All 32 bytes of the ClientHello random; 28 given ones stand behind the clock (RFC 5246 7.4.1.2).
fn whole_random(bytes: &[u8], now: i64) -> [u8; 32] {
    let mut random = [0; 32];
    let clock = u32::try_from(now).unwrap_or(0).to_be_bytes();
    let start = 32 - bytes.len().min(32);
    random[..4].copy_from_slice(&clock);
    random[start..].copy_from_slice(&bytes[..32 - start]);
    random
}

fn number(value: &str, low: u16, high: u16) -> Result<u16, String> {
    let digits = value.bytes().all(|b| b.is_ascii_digit());
    let number = value.parse::<u16>().ok().filter(|number| digits && (low..=high).contains(number));
    number.ok_or_else(|| format!("the value is a number from {low} to {high}"))
}

fn small(value: &str, low: u8, high: u8) -> Result<u8, String> {
    number(value, u16::from(low), u16::from(high)).map(|number| u8::try_from(number).unwrap_or(u8::MAX))
}

fn suite(value: &str, profile: &Profile) -> Result<u16, String> {
    let digits = value.strip_prefix("0X").or_else(|| value.strip_prefix("0x"));
    let number = digits
        .filter(|digits| digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u16::from_str_radix(digits, 16).ok())
        .filter(|number| *number == ALL_SUITES || profile.ssl_suites.contains(number));
    number.ok_or_else(|| {
        let known: Vec<String> = profile.ssl_suites.iter().map(|suite| format!("0X{suite:04X}")).collect();
        format!("the value is one of {} or 0XFFFF for all of them", known.join(", "))
    })
}

fn file(value: &str, profile: &Profile) -> Result<String, String> {
    match files::path(profile, value)? {
        Some(_) => Ok(value.into()),
        None => Err("the value is the name of a file".into()),
    }
}

fn host_name(value: &str, profile: &Profile) -> Result<String, String> {
    let limit = profile.name_limits.host;
    if value.len() > limit || !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("the value is a host name of at most {limit} visible ASCII characters"));
    }
    Ok(value.into())
}

fn client_random(value: &str) -> Result<Vec<u8>, String> {
    match value.len() {
        56 | 64 => unhex(value).ok_or_else(|| "the value has a character that is no hex digit".into()),
        digits => Err(format!("the value has 56 or 64 hex digits, not {digits}")),
    }
}

fn premaster(value: &str) -> Result<Premaster, String> {
    let bytes = match value.len() {
        92 | 96 => unhex(value).ok_or("the value has a character that is no hex digit")?,
        digits => return Err(format!("the value has 92 or 96 hex digits, not {digits}")),
    };
    if let Ok(random) = bytes.as_slice().try_into() {
        return Ok(Premaster::Random(random));
    }
    match bytes.as_slice().try_into() {
        Ok(whole) => Ok(Premaster::Whole(whole)),
        Err(_) => Err("the value has 92 or 96 hex digits".into()),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn unhex(digits: &str) -> Option<Vec<u8>> {
    let nibble = |b: &u8| (*b as char).to_digit(16).and_then(|n| u8::try_from(n).ok());
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(nibble(pair.first()?)? << 4 | nibble(pair.get(1)?)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AIR724UG;

    #[test]
    fn fifty_six_digits_stand_behind_the_clock() {
        let mut context = Context::default();
        let digits = "101B12C3141516171F19202122232425262728293031323334353637";
        assert_eq!(context.set(Keyword::ClientRandom, digits, &AIR724UG), Ok(()));
        let random = whole_random(context.client_random.as_deref().unwrap_or_default(), 0x6500_0000);
        assert_eq!(&random[..6], &[0x65, 0, 0, 0, 0x10, 0x1B]);
        assert_eq!(random[31], 0x37);
    }

    #[test]
    fn bad_values_change_nothing() {
        let mut context = Context::default();
        for (keyword, value) in [
            (Keyword::SslVersion, "5"),
            (Keyword::SslVersion, "+1"),
            (Keyword::CipherSuite, "0X0006"),
            (Keyword::CipherSuite, "53"),
            (Keyword::CipherSuite, "0X35"),
            (Keyword::CaCert, "../x"),
            (Keyword::CaCert, "/"),
            (Keyword::SecLevel, "3"),
            (Keyword::HostName, "a b"),
            (Keyword::NegotiateTimeout, "301"),
            (Keyword::ClientRandom, "00"),
            (Keyword::Premaster, &"0".repeat(94)),
            (Keyword::Premaster, &"g".repeat(92)),
            (Keyword::VerifyMode, "x"),
        ] {
            let before = context.value(keyword);
            assert!(context.set(keyword, value, &AIR724UG).is_err(), "{keyword:?} took {value:?}");
            assert_eq!(context.value(keyword), before);
        }
    }

    #[test]
    fn both_premaster_lengths_are_taken() {
        let mut context = Context::default();
        assert_eq!(context.set(Keyword::Premaster, &"Ab".repeat(46), &AIR724UG), Ok(()));
        assert!(matches!(context.premaster, Some(Premaster::Random(_))));
        assert_eq!(context.set(Keyword::Premaster, &"Ab".repeat(48), &AIR724UG), Ok(()));
        assert!(matches!(context.premaster, Some(Premaster::Whole(_))));
        assert_eq!(context.value(Keyword::Premaster), format!("\"{}\"", "AB".repeat(48)));
    }
}
