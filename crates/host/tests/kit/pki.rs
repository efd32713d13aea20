//! Certificates made to order from one line of text each, odd ones included. Written against OpenSSL itself, so that a
//! fault of the code under test cannot hide in here as well.

use std::cell::RefCell;
use std::collections::HashMap;

use openssl::asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Rsa, RsaPrivateKeyBuilder};
use openssl::x509::{X509, X509Extension, X509Name};

/// A line of the table: `name | subject | issuer | key | valid | digest | extensions`.
#[derive(Clone, Debug)]
struct Line {
    subject: String,
    issuer: String,
    key: String,
    valid: (String, String),
    digest: String,
    extensions: Vec<String>,
    serial: u32,
}

/// Certificates by name; keys are made when they are needed, and once.
pub(crate) struct Pki {
    lines: HashMap<String, Line>,
    keys: RefCell<HashMap<String, PKey<Private>>>,
}

impl Pki {
    /// From lines of the table.
    pub(crate) fn new<'a>(rows: impl IntoIterator<Item = &'a [String]>) -> Self {
        // The library under test has to prepare OpenSSL first: which algorithms there are is decided by the first use.
        tls::self_check().unwrap();
        let mut lines = HashMap::new();
        for (serial, row) in rows.into_iter().enumerate() {
            let [name, subject, issuer, key, valid, digest, extensions] = row else {
                panic!("not a certificate: {row:?}")
            };
            let (from, until) = valid.split_once('-').unwrap();
            let line = Line {
                subject: subject.clone(),
                issuer: issuer.clone(),
                key: key.clone(),
                valid: (from.into(), until.into()),
                digest: digest.clone(),
                extensions: extensions.split("; ").filter(|e| *e != "-").map(str::to_owned).collect(),
                serial: u32::try_from(serial).unwrap() + 1,
            };
            assert!(lines.insert(name.clone(), line).is_none(), "two certificates are called {name}");
        }
        Self { lines, keys: RefCell::default() }
    }

    fn line(&self, name: &str) -> &Line {
        self.lines.get(name).unwrap_or_else(|| panic!("there is no certificate called {name}"))
    }

    /// The private key of a certificate.
    pub(crate) fn key(&self, name: &str) -> PKey<Private> {
        self.key_called(&self.line(name).key)
    }

    fn key_called(&self, key: &str) -> PKey<Private> {
        if let Some(key) = self.keys.borrow().get(key) {
            return key.clone();
        }
        let made = if key == "ec" {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
            PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
        } else {
            let bits = key.trim_end_matches(|c: char| c.is_ascii_lowercase()).parse().unwrap();
            PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
        };
        self.keys.borrow_mut().insert(key.to_owned(), made.clone());
        made
    }

    /// Claims to be the key of certificate `name`, and is not: what it decrypts is not what was encrypted.
    pub(crate) fn impostor_key(&self, name: &str) -> PKey<Private> {
        let real = self.key(name).rsa().unwrap();
        let own = self.key_called("2048z").rsa().unwrap();
        let copy = |number: &openssl::bn::BigNumRef| number.to_owned().unwrap();
        let key = RsaPrivateKeyBuilder::new(copy(real.n()), copy(real.e()), copy(own.d())).unwrap().build();
        PKey::from_rsa(key).unwrap()
    }

    /// The certificate. `name!flipped` is one whose signature has a flipped bit.
    pub(crate) fn certificate(&self, name: &str) -> X509 {
        let (name, flipped) = name.strip_suffix("!flipped").map_or((name, false), |name| (name, true));
        let (line, issuer) = (self.line(name), self.line(&self.line(name).issuer));
        let mut b = X509::builder().unwrap();
        let old = line.extensions.iter().any(|extension| extension == "v1");
        b.set_version(if old { 0 } else { 2 }).unwrap();
        let serial = BigNum::from_u32(line.serial).unwrap();
        b.set_serial_number(&Asn1Integer::from_bn(&serial).unwrap()).unwrap();
        b.set_subject_name(&distinguished(&line.subject)).unwrap();
        b.set_issuer_name(&distinguished(&issuer.subject)).unwrap();
        let january = |year: &str| Asn1Time::from_str_x509(&format!("{year}0101000000Z")).unwrap();
        b.set_not_before(&january(&line.valid.0)).unwrap();
        b.set_not_after(&january(&line.valid.1)).unwrap();
        b.set_pubkey(&self.key(name)).unwrap();
        for text in line.extensions.iter().filter(|extension| *extension != "v1") {
            b.append_extension(extension(text)).unwrap();
        }
        let digest = match line.digest.as_str() {
            "md5" => MessageDigest::md5(),
            "sha1" => MessageDigest::sha1(),
            "sha256" => MessageDigest::sha256(),
            other => panic!("{other} is no digest"),
        };
        b.sign(&self.key_called(&issuer.key), digest).unwrap();
        let certificate = b.build();
        if !flipped {
            return certificate;
        }
        let mut der = certificate.to_der().unwrap();
        // The signature is what a certificate ends with.
        *der.last_mut().unwrap() ^= 1;
        X509::from_der(&der).unwrap()
    }

    /// The certificates of `names` (separated by `+`) in one PEM text.
    pub(crate) fn pem(&self, names: &str) -> Vec<u8> {
        names.split('+').flat_map(|name| self.certificate(name).to_pem().unwrap()).collect()
    }

    /// The key of certificate `name` as PKCS#8 PEM.
    pub(crate) fn key_pem(&self, name: &str) -> Vec<u8> {
        self.key(name).private_key_to_pem_pkcs8().unwrap()
    }
}

/// `\0` and `\n` in names stand for these bytes.
fn unescape(text: &str) -> String {
    text.replace("\\0", "\0").replace("\\n", "\n")
}

/// `CN=a, O=b`; `-` is empty.
fn distinguished(text: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    for part in text.split(", ").filter(|part| *part != "-") {
        let (field, value) = part.split_once('=').unwrap();
        name.append_entry_by_text(field, &unescape(value)).unwrap();
    }
    name.build()
}

/// One extension, in the words of OpenSSL's configuration files (`x509v3_config`).
#[expect(deprecated, reason = "the only way to take an extension as text")]
fn extension(text: &str) -> X509Extension {
    const UNKNOWN: &str = "1.3.6.1.4.1.99999.1";
    const TLS_FEATURE: i32 = 1020;
    let (what, value) = text.split_once('=').unwrap_or((text, ""));
    let nid = match what {
        "bc" => Nid::BASIC_CONSTRAINTS,
        "ku" => Nid::KEY_USAGE,
        "eku" => Nid::EXT_KEY_USAGE,
        "san" => Nid::SUBJECT_ALT_NAME,
        "nc" => Nid::NAME_CONSTRAINTS,
        "crl" => Nid::CRL_DISTRIBUTION_POINTS,
        "feature" => Nid::from_raw(TLS_FEATURE),
        "unknown" => return raw(UNKNOWN, value == "critical", &[5, 0]),
        // A name that the text form cannot have.
        "san-dns" => {
            let dns = unescape(value);
            let length = u8::try_from(dns.len()).unwrap();
            let mut der = vec![0x30, length + 2, 0x82, length];
            der.extend(dns.as_bytes());
            return raw("2.5.29.17", false, &der);
        }
        other => panic!("{other} is no extension"),
    };
    X509Extension::new_nid(None, None, nid, value).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn raw(oid: &str, critical: bool, der: &[u8]) -> X509Extension {
    let oid = Asn1Object::from_str(oid).unwrap();
    X509Extension::new_from_der(&oid, critical, &Asn1OctetString::new_from_bytes(der).unwrap()).unwrap()
}
