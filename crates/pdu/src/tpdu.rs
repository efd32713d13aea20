//! The three TPDUs that a module has to do with: SMS-SUBMIT, SMS-DELIVER, SMS-STATUS-REPORT (TS 23.040 9.2.2).

use alloc::vec::Vec;

use crate::TPDU_LIMIT;
use crate::address::Address;
use crate::data::UserData;
use crate::error::PduError;
use crate::reader::Reader;
use crate::stamp::Stamp;

/// TP-MTI and other bits of the first octet.
const TYPE: u8 = 0x03;
const SUBMIT: u8 = 0x01;
const REPORT: u8 = 0x02;
const NO_MORE: u8 = 0x04;
const VALIDITY: u8 = 0x18;
const REPORT_WANTED: u8 = 0x20;
const HEADERS: u8 = 0x40;
const REPLY_PATH: u8 = 0x80;

/// TP-VP: how long the service centre tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Validity {
    /// As long as it likes.
    Unsaid,
    /// TS 23.040 9.2.3.12.1: 5-minute steps, then longer ones.
    Relative(u8),
    /// Until a moment.
    Absolute(Stamp),
    /// TS 23.040 9.2.3.12.3.
    Enhanced([u8; 7]),
}

/// SMS-SUBMIT: from a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// The first octet but for its type and validity format: TP-RD 0x04, TP-SRR 0x20, TP-UDHI 0x40, TP-RP 0x80.
    pub flags: u8,
    /// TP-MR: the sender's number for it.
    pub reference: u8,
    /// TP-DA.
    pub destination: Address,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub scheme: u8,
    /// TP-VP.
    pub validity: Validity,
    /// TP-UD.
    pub data: UserData,
}

/// SMS-DELIVER: to a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliver {
    /// The first octet but for its type: TP-MMS 0x04 (no more wait), TP-SRI 0x20, TP-UDHI 0x40, TP-RP 0x80.
    pub flags: u8,
    /// TP-OA.
    pub originator: Address,
    /// TP-PID.
    pub protocol: u8,
    /// TP-DCS.
    pub scheme: u8,
    /// TP-SCTS.
    pub stamp: Stamp,
    /// TP-UD.
    pub data: UserData,
}

/// SMS-STATUS-REPORT: what became of a message, to its sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The first octet but for its type.
    pub flags: u8,
    /// TP-MR of the message.
    pub reference: u8,
    /// TP-RA: who it was for.
    pub recipient: Address,
    /// TP-SCTS: when the service centre got it.
    pub stamp: Stamp,
    /// TP-DT: when it was delivered.
    pub discharge: Stamp,
    /// TP-ST: 0 delivered, 0x20 to 0x3F still trying, 0x40 and more failed.
    pub status: u8,
    /// TP-PI and what it announces; usually nothing.
    pub more: Vec<u8>,
}

/// Any of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tpdu {
    /// From a module.
    Submit(Submit),
    /// To a module.
    Deliver(Deliver),
    /// About a message that was sent.
    Report(Report),
}

/// Splits a PDU as AT commands have it: the service centre's address (`None`: its length is 0), and the TPDU.
///
/// # Errors
/// [`PduError::Short`], [`PduError::Address`].
pub fn split_center(pdu: &[u8]) -> Result<(Option<Address>, &[u8]), PduError> {
    let mut reader = Reader::new(pdu);
    let length = usize::from(reader.byte()?);
    if length > 12 {
        return Err(PduError::Address);
    }
    let octets = reader.take(length)?;
    Ok((Address::center(octets), reader.rest()))
}

impl Tpdu {
    /// Reads a TPDU. What has type 01 is one from a module, what has type 00 and 10 is one to it.
    ///
    /// # Errors
    /// [`PduError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, PduError> {
        if bytes.len() > TPDU_LIMIT {
            return Err(PduError::Long);
        }
        let mut reader = Reader::new(bytes);
        let first = reader.byte()?;
        match first & TYPE {
            SUBMIT => Submit::read(first, reader).map(Self::Submit),
            0 => Deliver::read(first, reader).map(Self::Deliver),
            REPORT => Report::read(first, reader).map(Self::Report),
            _ => Err(PduError::Type),
        }
    }
}

impl Submit {
    /// A message in its simplest form: one day valid, no report.
    #[must_use]
    pub fn new(destination: Address, scheme: u8, headers: bool, data: UserData) -> Self {
        let flags = if headers { HEADERS } else { 0 };
        Self {
            flags,
            reference: 0,
            destination,
            protocol: 0,
            scheme,
            validity: Validity::Relative(167),
            data,
        }
    }

    fn read(first: u8, mut reader: Reader<'_>) -> Result<Self, PduError> {
        let reference = reader.byte()?;
        let destination = Address::read(&mut reader)?;
        let protocol = reader.byte()?;
        let scheme = reader.byte()?;
        let validity = match first & VALIDITY {
            0x00 => Validity::Unsaid,
            0x10 => Validity::Relative(reader.byte()?),
            0x18 => Validity::Absolute(Stamp(reader.seven()?)),
            _ => Validity::Enhanced(reader.seven()?),
        };
        let data = UserData::read(&mut reader, scheme, first & HEADERS != 0)?;
        finished(reader)?;
        let flags = first & !(TYPE | VALIDITY);
        Ok(Self { flags, reference, destination, protocol, scheme, validity, data })
    }

    /// The first octet.
    #[must_use]
    pub fn first(&self) -> u8 {
        let validity = match self.validity {
            Validity::Unsaid => 0x00,
            Validity::Relative(_) => 0x10,
            Validity::Absolute(_) => 0x18,
            Validity::Enhanced(_) => 0x08,
        };
        self.flags & !(TYPE | VALIDITY) | SUBMIT | validity
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = alloc::vec![self.first(), self.reference];
        self.destination.write(&mut out);
        out.extend_from_slice(&[self.protocol, self.scheme]);
        match self.validity {
            Validity::Unsaid => {}
            Validity::Relative(steps) => out.push(steps),
            Validity::Absolute(Stamp(octets)) | Validity::Enhanced(octets) => out.extend_from_slice(&octets),
        }
        self.data.write(&mut out);
        out
    }

    /// Whether its data begins with headers.
    #[must_use]
    pub fn headers(&self) -> bool {
        self.flags & HEADERS != 0
    }

    /// Whether a status report is asked for.
    #[must_use]
    pub fn wants_report(&self) -> bool {
        self.flags & REPORT_WANTED != 0
    }

    /// What the service centre makes of it for the receiver.
    #[must_use]
    pub fn deliver(&self, originator: Address, stamp: Stamp) -> Deliver {
        Deliver {
            flags: self.flags & (HEADERS | REPLY_PATH) | NO_MORE,
            originator,
            protocol: self.protocol,
            scheme: self.scheme,
            stamp,
            data: self.data.clone(),
        }
    }

    /// What the service centre tells the sender: `status` is TP-ST.
    #[must_use]
    pub fn report(&self, stamp: Stamp, discharge: Stamp, status: u8) -> Report {
        Report {
            flags: NO_MORE,
            reference: self.reference,
            recipient: self.destination.clone(),
            stamp,
            discharge,
            status,
            more: Vec::new(),
        }
    }
}

impl Deliver {
    /// A text for a module: one message, or several that belong together by `reference`.
    ///
    /// # Errors
    /// [`TextError::TooLong`](crate::TextError::TooLong) for more than 255 messages.
    pub fn texts(
        originator: &Address,
        text: &str,
        stamp: Stamp,
        reference: u8,
    ) -> Result<Vec<Self>, crate::TextError> {
        let parts = UserData::from_text(text, reference)?;
        let flags = if parts.headers { HEADERS } else { 0 } | NO_MORE;
        let one = |data| Self {
            flags,
            originator: originator.clone(),
            protocol: 0,
            scheme: parts.scheme,
            stamp,
            data,
        };
        Ok(parts.data.into_iter().map(one).collect())
    }

    fn read(first: u8, mut reader: Reader<'_>) -> Result<Self, PduError> {
        let originator = Address::read(&mut reader)?;
        let protocol = reader.byte()?;
        let scheme = reader.byte()?;
        let stamp = Stamp(reader.seven()?);
        let data = UserData::read(&mut reader, scheme, first & HEADERS != 0)?;
        finished(reader)?;
        Ok(Self { flags: first & !TYPE, originator, protocol, scheme, stamp, data })
    }

    /// The first octet.
    #[must_use]
    pub fn first(&self) -> u8 {
        self.flags & !TYPE
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = alloc::vec![self.first()];
        self.originator.write(&mut out);
        out.extend_from_slice(&[self.protocol, self.scheme]);
        out.extend_from_slice(&self.stamp.0);
        self.data.write(&mut out);
        out
    }

    /// Whether its data begins with headers.
    #[must_use]
    pub fn headers(&self) -> bool {
        self.flags & HEADERS != 0
    }
}

impl Report {
    fn read(first: u8, mut reader: Reader<'_>) -> Result<Self, PduError> {
        Ok(Self {
            flags: first & !TYPE,
            reference: reader.byte()?,
            recipient: Address::read(&mut reader)?,
            stamp: Stamp(reader.seven()?),
            discharge: Stamp(reader.seven()?),
            status: reader.byte()?,
            more: reader.rest().to_vec(),
        })
    }

    /// The first octet.
    #[must_use]
    pub fn first(&self) -> u8 {
        self.flags & !TYPE | REPORT
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = alloc::vec![self.first(), self.reference];
        self.recipient.write(&mut out);
        out.extend_from_slice(&self.stamp.0);
        out.extend_from_slice(&self.discharge.0);
        out.push(self.status);
        out.extend_from_slice(&self.more);
        out
    }
}

fn finished(reader: Reader<'_>) -> Result<(), PduError> {
    if reader.rest().is_empty() { Ok(()) } else { Err(PduError::Long) }
}
