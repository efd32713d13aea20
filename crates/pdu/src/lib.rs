//! Short messages as bytes: what TS 23.040 calls TPDUs, and the alphabets of TS 23.038.
//!
//! ```text
//! text ◄─► UserData (GSM 7 bit, 8 bit, UCS2; with or without headers) ◄─┐
//! number ◄─► Address ◄──────────────────────────────────────────────────┼─► Submit, Deliver, Report ◄─► bytes
//! moment ◄─► Stamp ◄────────────────────────────────────────────────────┘
//! ```
//!
//! A module sends a [`Submit`]; the service centre makes a [`Deliver`] of it for the other module and, if it was asked
//! to, a [`Report`] for the sender. Nothing in here knows AT commands, and nothing panics, whatever the bytes.
#![no_std]
extern crate alloc;

mod address;
mod alphabet;
mod coding;
mod data;
mod error;
mod hex;
mod reader;
mod stamp;
mod tpdu;

pub use address::{Address, AddressError};
pub use alphabet::{decode_septets, encode_septets, pack, unpack};
pub use coding::{Alphabet, Coding};
pub use data::{Parts, TextError, UserData, from_ucs2, to_ucs2};
pub use error::PduError;
pub use hex::{from_hex, to_hex};
pub use stamp::Stamp;
pub use tpdu::{Deliver, Report, Submit, Tpdu, Validity, split_center};

/// The most bytes of user data, headers included (TS 23.040 9.2.3.24).
pub const DATA_LIMIT: usize = 140;
/// The longest TPDU (TS 27.005: `<length>` of AT+CMGS).
pub const TPDU_LIMIT: usize = 164;
