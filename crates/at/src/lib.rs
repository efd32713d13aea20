//! AT syntax, and nothing about any command.
//!
//! ```text
//! bytes from the host ─► Reader ─► text of one command line ─► Commands ─► Command { name, form, args }
//!                          │                                                            └─► Args cursor
//!                          └─► echo
//! answers ─► Reply ─► bytes to the host (V, Q, CMEE obeyed in one place)
//! ```
//!
//! [`Reader`] is the line discipline of one serial line: it is fed bytes in any portions and yields whole command
//! lines or whole data phases, echoing on the way. [`Commands`] splits a line into its commands, [`Args`] walks one
//! command's parameters, [`Reply`] frames information text and result codes.
//!
//! Sources: ITU-T V.250 (command line format, result codes), 3GPP TS 27.007 (extended syntax, `+CME ERROR`), and the
//! behaviour of the module's firmware where it differs; each such place says so.
#![no_std]
extern crate alloc;

mod args;
mod cme;
mod cms;
mod command;
mod reader;
mod reply;

pub use args::{Arg, ArgError, ArgErrorKind, Args};
pub use cme::{CmeError, cme_text};
pub use cms::CmsError;
pub use command::{Command, Commands, Form, SyntaxError, SyntaxErrorKind};
pub use reader::{DataEnd, DataKind, Event, Reader};
pub use reply::{FinalCode, Format, Reply, ResultForm};
