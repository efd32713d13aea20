//! The short messages of a module: on its card, in its own memory, and waiting for it in the network.
//!
//! They outlive a restart, as a card and a flash do, so they belong to the module and not to the family's state. Those on the
//! card belong to the card: without it they are out of reach, and since an instance has always the same card, they are
//! there again with it. What is in here is what the store has been asked to keep; if the store fails, the slots
//! go back to what it kept last.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use pdu::{TPDU_LIMIT, from_hex, to_hex};

use crate::io::Ticket;
use crate::profile::{MessageCapacity, Profile};

/// The most messages that the network keeps for a module.
const WAITING_LIMIT: usize = 64;
/// The longest PDU: a service centre's address and a TPDU.
const PDU_LIMIT: usize = 13 + TPDU_LIMIT;
/// How a line about a waiting message begins.
const WAITING: &str = "waiting";

/// A place for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// `SM`: the card.
    Card,
    /// `ME`: the module.
    Module,
}

impl Memory {
    pub(super) const ALL: [Self; 2] = [Self::Card, Self::Module];

    /// As in AT commands.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Card => "SM",
            Self::Module => "ME",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|memory| memory.name().eq_ignore_ascii_case(name))
    }
}

/// `<stat>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Unread,
    Read,
    Unsent,
    Sent,
}

impl Status {
    pub(super) const ALL: [Self; 4] = [Self::Unread, Self::Read, Self::Unsent, Self::Sent];

    /// In text mode.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unread => "REC UNREAD",
            Self::Read => "REC READ",
            Self::Unsent => "STO UNSENT",
            Self::Sent => "STO SENT",
        }
    }

    /// In PDU mode.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Unread => 0,
            Self::Read => 1,
            Self::Unsent => 2,
            Self::Sent => 3,
        }
    }
}

/// One message in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) status: Status,
    /// With the service centre's address in front.
    pub(super) pdu: Vec<u8>,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Mailbox {
    capacity: MessageCapacity,
    /// Each memory as far as it has been used: an idle module keeps no room for messages that it does not have.
    card: Vec<Option<Stored>>,
    module: Vec<Option<Stored>>,
    waiting: VecDeque<Vec<u8>>,
    /// How many waiting messages have ever come and gone, and what the text that was last handed out says of that.
    passed: (u64, u64),
    told: Option<(u64, u64)>,
    /// What the store is busy with on the network's behalf.
    busy: Option<Busy>,
    /// The next waiting message finds no room.
    pub(crate) blocked: bool,
    /// How many lines of what was kept are no messages, or none that there is a place for; until somebody is told.
    pub(super) damaged: usize,
}

#[derive(Clone, Copy, Debug)]
struct Busy {
    ticket: Ticket,
    /// The first waiting message moves into a slot with it.
    delivers: bool,
}

impl Mailbox {
    /// What was kept last.
    pub(crate) fn new(profile: &Profile, kept: Option<&[u8]>) -> Self {
        let mut mailbox = Self {
            capacity: profile.message_capacity,
            card: Vec::new(),
            module: Vec::new(),
            waiting: VecDeque::new(),
            passed: (0, 0),
            told: None,
            busy: None,
            blocked: false,
            damaged: 0,
        };
        for line in String::from_utf8_lossy(kept.unwrap_or_default()).lines() {
            mailbox.damaged += usize::from(mailbox.read_line(line).is_none());
        }
        mailbox.told = Some(mailbox.passed);
        mailbox
    }

    /// `SM 3 REC READ HEX`, `waiting HEX`; `None` for anything else, which is passed over.
    fn read_line(&mut self, line: &str) -> Option<()> {
        let (head, hex) = line.rsplit_once(' ')?;
        let pdu = from_hex(hex.as_bytes()).filter(|bytes| bytes.len() <= PDU_LIMIT)?;
        if head == WAITING {
            return self.wait(pdu).then_some(());
        }
        let mut words = head.splitn(3, ' ');
        let memory = words.next().and_then(Memory::named)?;
        let index = words.next()?.parse().ok()?;
        let status = words.next().and_then(|name| Status::ALL.into_iter().find(|s| s.name() == name))?;
        self.set(memory, index, Some(Stored { status, pdu }));
        self.get(memory, index).map(|_| ())
    }

    /// What the store is to keep.
    pub(super) fn text(&mut self) -> Vec<u8> {
        self.text_without(usize::from(self.busy.is_some_and(|busy| busy.delivers)))
    }

    /// The same, with the first waiting message gone from the network because a slot has it now.
    pub(super) fn text_delivered(&mut self) -> Vec<u8> {
        self.text_without(1)
    }

    fn text_without(&mut self, leaving: usize) -> Vec<u8> {
        let mut text = String::new();
        for memory in Memory::ALL {
            for (index, stored) in self.messages(memory) {
                let (name, status) = (memory.name(), stored.status.name());
                // Writing into a String cannot fail.
                let _ = writeln!(text, "{name} {index} {status} {}", to_hex(&stored.pdu));
            }
        }
        for tpdu in self.waiting.iter().skip(leaving) {
            text.push_str(&format!("{WAITING} {}\n", to_hex(tpdu)));
        }
        let (come, gone) = self.passed;
        self.told = Some((come, gone + leaving as u64));
        text.into_bytes()
    }

    /// A request to keep such a text is on its way.
    pub(super) fn asked(&mut self, ticket: Ticket, delivers: bool) {
        self.busy = Some(Busy { ticket, delivers });
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Whether messages wait, or do no longer, that the kept text does not know of.
    pub(super) fn is_unsaved(&self) -> bool {
        let none = |(come, gone): (u64, u64)| come == gone;
        match self.told {
            Some(told) => told != self.passed && !(none(told) && none(self.passed)),
            None => !self.waiting.is_empty(),
        }
    }

    /// The store has answered a request to keep messages. `kept` is what it has now, unless a later request is on its way.
    pub(crate) fn stored(&mut self, profile: &Profile, ticket: Ticket, good: bool, kept: Option<Option<&[u8]>>) {
        let busy = self.busy.take_if(|busy| busy.ticket == ticket);
        if good {
            if busy.is_some_and(|busy| busy.delivers) {
                self.pass();
            }
            return;
        }
        self.told = None;
        if let Some(kept) = kept {
            let last = Self::new(profile, kept);
            self.card = last.card;
            self.module = last.module;
        }
    }

    /// The messages of a memory with their indices, from 1.
    pub(super) fn messages(&self, memory: Memory) -> impl Iterator<Item = (usize, &Stored)> {
        let slots = self.slots(memory).iter();
        slots.enumerate().filter_map(|(at, slot)| slot.as_ref().map(|stored| (at + 1, stored)))
    }

    pub(super) fn get(&self, memory: Memory, index: usize) -> Option<&Stored> {
        self.slots(memory).get(index.checked_sub(1)?)?.as_ref()
    }

    pub(super) fn capacity(&self, memory: Memory) -> usize {
        match memory {
            Memory::Card => self.capacity.card,
            Memory::Module => self.capacity.module,
        }
    }

    /// Puts a message into the first free slot; its index, or `None` when there is none.
    pub(super) fn put(&mut self, memory: Memory, stored: Stored) -> Option<usize> {
        let slots = self.slots(memory);
        let index = slots.iter().position(Option::is_none).unwrap_or(slots.len()) + 1;
        if index > self.capacity(memory) {
            return None;
        }
        self.set(memory, index, Some(stored));
        Some(index)
    }

    /// Changes a slot that exists.
    pub(super) fn set(&mut self, memory: Memory, index: usize, stored: Option<Stored>) {
        self.blocked &= stored.is_some();
        let exists = index <= self.capacity(memory);
        let slots = match memory {
            Memory::Card => &mut self.card,
            Memory::Module => &mut self.module,
        };
        if exists && slots.len() < index && stored.is_some() {
            slots.resize(index, None);
        }
        if let Some(slot) = index.checked_sub(1).and_then(|at| slots.get_mut(at)) {
            *slot = stored;
        }
    }

    pub(super) fn set_status(&mut self, memory: Memory, index: usize, status: Status) {
        if let Some(stored) = self.get(memory, index).cloned() {
            self.set(memory, index, Some(Stored { status, ..stored }));
        }
    }

    fn slots(&self, memory: Memory) -> &[Option<Stored>] {
        match memory {
            Memory::Card => &self.card,
            Memory::Module => &self.module,
        }
    }

    /// The network has one more; false if it keeps no more.
    pub(super) fn wait(&mut self, tpdu: Vec<u8>) -> bool {
        let room = self.room() > 0;
        if room {
            self.waiting.push_back(tpdu);
            self.passed.0 += 1;
        }
        room
    }

    /// How many more it keeps.
    pub(crate) fn room(&self) -> usize {
        WAITING_LIMIT.saturating_sub(self.waiting.len())
    }

    /// What the network has for the module next.
    pub(super) fn next(&self) -> Option<&[u8]> {
        self.waiting.front().map(Vec::as_slice)
    }

    /// The network has got rid of it.
    pub(super) fn pass(&mut self) {
        if self.waiting.pop_front().is_some() {
            self.passed.1 += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AIR724UG;

    fn stored(byte: u8) -> Stored {
        Stored { status: Status::Unread, pdu: alloc::vec![byte] }
    }

    #[test]
    fn what_is_kept_comes_back() {
        let mut mailbox = Mailbox::new(&AIR724UG, None);
        assert_eq!(mailbox.put(Memory::Card, stored(1)), Some(1));
        assert_eq!(mailbox.put(Memory::Card, stored(2)), Some(2));
        assert_eq!(mailbox.put(Memory::Module, stored(3)), Some(1));
        mailbox.set(Memory::Card, 1, None);
        mailbox.set_status(Memory::Card, 2, Status::Read);
        assert!(mailbox.wait(alloc::vec![4, 5]));
        let text = mailbox.text();
        assert_eq!(text, b"SM 2 REC READ 02\nME 1 REC UNREAD 03\nwaiting 0405\n");
        let mut again = Mailbox::new(&AIR724UG, Some(&text));
        assert_eq!(again.text(), text);
        assert_eq!(again.put(Memory::Card, stored(6)), Some(1));
    }

    #[test]
    fn nonsense_is_passed_over() {
        let long = "00".repeat(PDU_LIMIT + 1);
        let text = format!("SM 0 REC READ 00\nSM 51 REC READ 00\nSM x REC READ 00\nSM 1 NONE 00\nXX 1 REC READ 00\nSM 1 REC READ 0\nwaiting {long}\n\n\u{FFFD}");
        let mut mailbox = Mailbox::new(&AIR724UG, Some(text.as_bytes()));
        assert_eq!(mailbox.text(), b"");
    }

    #[test]
    fn a_failure_gives_the_slots_back_and_keeps_what_waits() {
        let mut mailbox = Mailbox::new(&AIR724UG, None);
        assert!(mailbox.wait(alloc::vec![4]));
        assert!(mailbox.is_unsaved());
        mailbox.put(Memory::Card, stored(4));
        let _ = mailbox.text_delivered();
        mailbox.asked(Ticket(1), true);
        mailbox.stored(&AIR724UG, Ticket(1), false, Some(None));
        assert_eq!(mailbox.get(Memory::Card, 1), None);
        assert_eq!(mailbox.next(), Some(&[4][..]));
        assert!(mailbox.is_unsaved());
    }

    #[test]
    fn what_comes_and_goes_need_not_be_saved() {
        let mut mailbox = Mailbox::new(&AIR724UG, None);
        assert!(mailbox.wait(alloc::vec![4]));
        mailbox.pass();
        assert!(!mailbox.is_unsaved());
    }
}
