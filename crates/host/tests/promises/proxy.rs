//! The attacker on the way: records everything, and alters what it is told to.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use super::LONG;
use super::wire::Splitter;

/// How long both sides may be silent after something was altered: then each waits for the other (an altered length, a
/// record that is gone), and the proxy ends it.
const STALL: Duration = Duration::from_secs(2);

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Way {
    /// From the module to the server.
    Up,
    /// From the server to the module.
    Down,
}

/// What is done to one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trick {
    /// It comes twice.
    Twice,
    /// It changes places with the next one.
    Swap,
    /// It does not come.
    Drop,
    /// Neither it nor any later one comes.
    Cut,
    /// It comes again, after the record of this number.
    Again(usize),
}

/// What the attacker does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tamper {
    /// Nothing but listen.
    Nothing,
    /// Inverts these bits of the byte at this place.
    Flip { way: Way, at: usize, mask: u8 },
    /// Plays a trick with the record of this number.
    Record { way: Way, at: usize, trick: Trick },
}

/// What was sent, before it was altered.
#[derive(Debug, Default)]
pub(crate) struct Recording {
    pub(crate) up: Vec<u8>,
    pub(crate) down: Vec<u8>,
    /// The attack took place.
    pub(crate) altered: bool,
    /// Both sides waited for each other.
    pub(crate) stalled: bool,
}

impl Recording {
    pub(crate) fn way(&self, way: Way) -> &[u8] {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }
}

/// Does the altering.
struct Attack {
    tamper: Tamper,
    splitter: Splitter,
    /// How many bytes, or records, have passed the way that is attacked.
    passed: usize,
    kept: Vec<u8>,
    altered: bool,
}

impl Attack {
    fn new(tamper: Tamper) -> Self {
        Self { tamper, splitter: Splitter::default(), passed: 0, kept: Vec::new(), altered: false }
    }

    /// What goes on in the place of these bytes.
    fn pass(&mut self, way: Way, bytes: &[u8]) -> Vec<u8> {
        match self.tamper {
            Tamper::Flip { way: attacked, at, mask } if attacked == way => {
                let mut bytes = bytes.to_vec();
                if let Some(byte) = at.checked_sub(self.passed).and_then(|at| bytes.get_mut(at)) {
                    *byte ^= mask;
                    self.altered = true;
                }
                self.passed += bytes.len();
                bytes
            }
            Tamper::Record { way: attacked, at, trick } if attacked == way => {
                let mut out = Vec::new();
                for record in self.splitter.split(bytes) {
                    self.record(at, trick, record, &mut out);
                    self.passed += 1;
                }
                out
            }
            _ => bytes.to_vec(),
        }
    }

    fn record(&mut self, at: usize, trick: Trick, record: Vec<u8>, out: &mut Vec<u8>) {
        let this = self.passed == at;
        match trick {
            Trick::Twice if this => {
                self.altered = true;
                out.extend_from_slice(&record);
                out.extend(record);
            }
            Trick::Drop if this => self.altered = true,
            Trick::Cut if self.passed >= at => self.altered = true,
            // Held back from here on; where no other record follows, it does not come at all.
            Trick::Swap if this => {
                self.altered = true;
                self.kept = record;
            }
            Trick::Swap if !self.kept.is_empty() => {
                out.extend(record);
                out.append(&mut self.kept);
            }
            Trick::Again(after) => {
                out.extend_from_slice(&record);
                if this {
                    self.kept = record;
                }
                if self.passed == after && !self.kept.is_empty() {
                    self.altered = true;
                    out.append(&mut self.kept);
                }
            }
            _ => out.extend(record),
        }
    }
}

/// Carries a session between the module and the server until both have ended.
pub(crate) async fn relay(client: TcpStream, server: UnixStream, tamper: Tamper) -> Recording {
    let (mut client_read, mut client_write) = client.into_split();
    let (mut server_read, mut server_write) = server.into_split();
    let mut recording = Recording::default();
    let mut attack = Attack::new(tamper);
    let (mut up, mut down) = ([0; 8192], [0; 8192]);
    let (mut up_open, mut down_open) = (true, true);
    // Writing to somebody who has left fails; that its side has ended shows by itself.
    while up_open || down_open {
        tokio::select! {
            read = client_read.read(&mut up), if up_open => match read {
                Ok(count @ 1..) => {
                    recording.up.extend_from_slice(&up[..count]);
                    let _ = server_write.write_all(&attack.pass(Way::Up, &up[..count])).await;
                }
                _ => {
                    up_open = false;
                    let _ = server_write.shutdown().await;
                }
            },
            read = server_read.read(&mut down), if down_open => match read {
                Ok(count @ 1..) => {
                    recording.down.extend_from_slice(&down[..count]);
                    let _ = client_write.write_all(&attack.pass(Way::Down, &down[..count])).await;
                }
                _ => {
                    down_open = false;
                    let _ = client_write.shutdown().await;
                }
            },
            () = sleep(if attack.altered { STALL } else { LONG }) => {
                recording.stalled = true;
                break;
            }
        }
    }
    recording.altered = attack.altered;
    recording
}
