//! The seam between the engine and the commands: what is to be done, for whom, and how it ends.
//!
//! A command makes a [`Job`] and hands it to [`engine::start`](super::engine::start), which refuses it or takes it; then the engine calls
//! the job's [`Party`], in this order: `opened`, then any number of `received` or `supply`, then `ended`, once. A visit that
//! comes to nothing before its data phase has `ended` alone.

use alloc::string::String;
use alloc::vec::Vec;

use super::settings::PutOption;
use crate::io::LineId;
use crate::module::Module;

/// One visit to the server: log in, do this, log out.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) action: Action,
    /// Who asked, and has the data.
    pub(super) party: &'static Party,
    /// What is said about it goes there.
    pub(super) line: LineId,
}

/// What a visit is for. Names are whole: path and file name together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// RETR, from this byte on.
    Get { file: String, from: u64 },
    /// STOR, APPE or STOU. From another byte than 0 (REST): with STOR.
    Put { path: String, name: String, how: PutOption, from: u64 },
    /// LIST of a directory or a file; empty: of where the login leads to.
    List(String),
    MakeDirectory(String),
    RemoveDirectory(String),
    Delete(String),
    Size(String),
}

impl Action {
    /// Whether it has a data connection.
    pub(super) fn has_data(&self) -> bool {
        matches!(self, Self::Get { .. } | Self::Put { .. } | Self::List(_))
    }
}

/// Who asked for a job, as the hooks that the engine calls. Its state is its own: in [`Ftp`](super::Ftp), while it needs one.
#[derive(Debug)]
pub(super) struct Party {
    /// As it stands in front of the colon, for explanations: `FTPGET`.
    pub(super) name: &'static str,
    /// The data phase begins.
    pub(super) opened: fn(&mut Module),
    /// Who wants to know the size of what the server has is told, as far as the server knows SIZE; with TLS and TYPE done, before
    /// the data connection; of uploads before STOR from 0 with TYPE I. It may call
    /// [`engine::give_up`](super::engine::give_up) then.
    pub(super) sized: Option<fn(&mut Module, u64)>,
    /// How many more bytes of a download it takes now. When that grows again it calls
    /// `engine::go_on(module)`.
    pub(super) room: fn(&Module) -> usize,
    /// Bytes of a download; never more than there was room for.
    pub(super) received: fn(&mut Module, &[u8]),
    /// At most so many bytes for an upload. When there is more, after [`Supply::Later`], it calls
    /// `engine::go_on(module)`.
    pub(super) supply: fn(&mut Module, usize) -> Supply,
    /// The visit is over and the session is gone: it may begin another. The line is the job's.
    pub(super) ended: fn(&mut Module, LineId, Result<Done, Failure>),
}

impl Party {
    /// One without data.
    pub(super) const fn without_data(
        name: &'static str,
        ended: fn(&mut Module, LineId, Result<Done, Failure>),
    ) -> Self {
        Self { name, opened: |_| {}, sized: None, room: |_| 0, received: |_, _| {}, supply: |_, _| Supply::End, ended }
    }
}

/// What there is for an upload.
#[derive(Debug)]
pub(super) enum Supply {
    Bytes(Vec<u8>),
    /// Nothing now.
    Later,
    /// That was all.
    End,
}

/// What came of a job that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Done {
    /// [`Action::Size`]: the size. Otherwise the bytes that went over the data connection.
    pub(super) bytes: u64,
}

/// Why a job was not done, by the number that the host is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Network = 61,
    Dns = 62,
    Connect = 63,
    Timeout = 64,
    /// The server has no service now.
    Server = 65,
    /// What it says is no reply.
    Reply = 70,
    User = 71,
    Password = 72,
    Type = 73,
    Rest = 74,
    Passive = 75,
    Active = 76,
    /// MKD, RMD, DELE, SIZE.
    Operation = 77,
    Upload = 78,
    Download = 79,
    /// TLS on the control connection.
    ControlTls = 80,
    /// AUTH TLS.
    Auth = 81,
    /// PBSZ, PROT.
    Protection = 82,
    /// TLS on the data connection.
    DataTls = 83,
    /// The server's certificate, on either connection.
    Certificate = 84,
    /// The module's own file.
    File = 85,
    /// AT+FTPQUIT.
    Quit = 86,
}

impl Failure {
    /// The number.
    pub(super) fn code(self) -> u8 {
        self as u8
    }
}
