//! What the verbs go by: the settings, until they are changed.

use alloc::string::String;
use core::fmt;

use crate::profile::Profile;

/// The settings of this family. Their `Debug` form hides the credentials.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// FTPCID.
    pub(super) cid: u8,
    /// FTPSERV.
    pub(super) server: String,
    /// FTPPORT.
    pub(super) port: u16,
    /// FTPUN.
    pub(super) user: String,
    /// FTPPW.
    pub(super) password: String,
    /// FTPMODE.
    pub(super) passive: bool,
    /// FTPTYPE.
    pub(super) type_: Type,
    /// FTPPUTOPT.
    pub(super) put_option: PutOption,
    /// FTPREST.
    pub(super) rest: u64,
    /// FTPGETNAME.
    pub(super) get_name: String,
    /// FTPGETPATH.
    pub(super) get_path: String,
    /// FTPPUTNAME.
    pub(super) put_name: String,
    /// FTPPUTPATH.
    pub(super) put_path: String,
    /// FTPTIMEOUT, in seconds: how long the server may take for its next word.
    pub(super) timeout: u32,
    /// FTPSSL.
    pub(super) security: Security,
}

/// FTPTYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// "A": text.
    Ascii,
    /// "I": bytes as they are.
    Image,
}

impl Type {
    const ALL: [Self; 2] = [Self::Ascii, Self::Image];

    /// As it stands in AT+FTPTYPE and in TYPE.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ascii => "A",
            Self::Image => "I",
        }
    }

    /// The one of this name, in any case.
    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|type_| type_.word().eq_ignore_ascii_case(word))
    }
}

/// FTPPUTOPT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PutOption {
    /// Behind what is there.
    Append,
    /// Under a name that the server makes up.
    Unique,
    /// In the place of what is there.
    #[default]
    Store,
}

impl PutOption {
    const ALL: [Self; 3] = [Self::Append, Self::Unique, Self::Store];

    /// As it stands in AT+FTPPUTOPT, which is the server's command.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Append => "APPE",
            Self::Unique => "STOU",
            Self::Store => "STOR",
        }
    }

    /// The one of this name, in any case.
    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|option| option.word().eq_ignore_ascii_case(word))
    }
}

/// FTPSSL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Security {
    #[default]
    Plain,
    /// TLS from the first byte on.
    Implicit,
    /// TLS after AUTH TLS.
    Explicit,
}

impl Settings {
    /// What FTPGETPATH and FTPGETNAME name.
    pub(super) fn file(&self) -> String {
        alloc::format!("{}{}", self.get_path, self.get_name)
    }

    /// Those at power-on.
    pub(super) fn new(profile: &Profile) -> Self {
        Self {
            cid: 1,
            server: String::new(),
            port: 21,
            user: String::new(),
            password: String::new(),
            passive: true,
            type_: if profile.ftp.ascii { Type::Ascii } else { Type::Image },
            put_option: PutOption::default(),
            rest: 0,
            get_name: String::new(),
            get_path: String::new(),
            put_name: String::new(),
            put_path: String::new(),
            timeout: profile.ftp.answer,
            security: Security::default(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("cid", &self.cid).field("server", &self.server).finish_non_exhaustive()
    }
}
