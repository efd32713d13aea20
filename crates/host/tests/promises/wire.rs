//! Records and handshake messages, as far as an attacker can read them.

use openssl::pkey::PKey;
use openssl::rsa::Padding;
use tls::pki::Issued;

/// Cuts a stream into records.
#[derive(Debug, Default)]
pub(crate) struct Splitter {
    rest: Vec<u8>,
}

impl Splitter {
    /// The records that are complete with these bytes, headers included.
    pub(crate) fn split(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.rest.extend_from_slice(bytes);
        let mut records = Vec::new();
        while let [_, _, _, high, low, ..] = self.rest[..] {
            let length = 5 + usize::from(u16::from_be_bytes([high, low]));
            if self.rest.len() < length {
                break;
            }
            records.push(self.rest.drain(..length).collect());
        }
        records
    }
}

/// A record within a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where its header begins.
    pub(crate) start: usize,
    /// Header included.
    pub(crate) length: usize,
    /// Its content type: 20 change of ciphers, 21 alert, 22 handshake, 23 payload.
    pub(crate) kind: u8,
    /// It comes after the change of ciphers.
    pub(crate) encrypted: bool,
}

/// The records of a stream.
pub(crate) fn records(stream: &[u8]) -> Vec<Record> {
    let mut start = 0;
    let mut encrypted = false;
    let whole = Splitter::default().split(stream);
    whole
        .into_iter()
        .map(|record| {
            let this = Record { start, length: record.len(), kind: record[0], encrypted };
            start += record.len();
            encrypted |= record[0] == 20;
            this
        })
        .collect()
}

/// What the client said before the change of ciphers: the ClientHello's random, the encrypted pre-master secret.
#[derive(Debug)]
pub(crate) struct Hello {
    pub(crate) random: [u8; 32],
    exchange: Vec<u8>,
}

impl Hello {
    pub(crate) fn parse(up: &[u8]) -> Self {
        let mut messages = Vec::new();
        for record in records(up).iter().take_while(|record| !record.encrypted && record.kind == 22) {
            messages.extend_from_slice(&up[record.start + 5..record.start + record.length]);
        }
        let (mut random, mut exchange) = ([0; 32], Vec::new());
        let mut rest = &messages[..];
        while let [kind, high, middle, low, body @ ..] = rest {
            let length = u32::from_be_bytes([0, *high, *middle, *low]);
            let (body, next) = body.split_at(usize::try_from(length).unwrap());
            match kind {
                1 => random.copy_from_slice(&body[2..34]),
                16 => exchange = body.to_vec(),
                _ => {}
            }
            rest = next;
        }
        Self { random, exchange }
    }

    /// The pre-master secret, with the server's key.
    pub(crate) fn premaster(&self, server: &Issued) -> Vec<u8> {
        let key = PKey::private_key_from_pem(&server.key_pem().unwrap()).unwrap().rsa().unwrap();
        let size = usize::try_from(key.size()).unwrap();
        // SSL 3.0 has no length in front of it.
        let secret = &self.exchange[self.exchange.len() - size..];
        let mut plain = vec![0; size];
        let count = key.private_decrypt(secret, &mut plain, Padding::PKCS1).unwrap();
        plain.truncate(count);
        plain
    }
}
