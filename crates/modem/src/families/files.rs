//! The file system: FSCREATE … FSDRIVE. It holds, above all, the certificates of the SSL contexts.
//!
//! Reference: the module's manual, chapter "file system commands". Errors are plain `ERROR`, as the manual prints them.
//! Not here because this firmware does not have them: FSREADHEAD (newer siblings), FSRENAME, FSCOPY, FSATTRI, FSFMT.

mod write;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use at::ArgErrorKind;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Resume, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Family, Never, Op};
use crate::io::{ModulePath, StoreError, StoreReply, StoreRequest};
use crate::profile::Profile;
use crate::setup::Setup;

/// Nothing is kept between commands: the store is the only truth about files.
#[derive(Debug)]
pub(crate) struct Files;

/// What an open file command waits for.
#[derive(Debug)]
pub(crate) enum FilesOp {
    /// The effect; `OK` when done.
    Done(ModulePath),
    /// A file's bytes; none are an error when a position was given.
    Read { path: ModulePath, from_position: bool },
    /// A file's size.
    Size(ModulePath),
    /// The bytes in use.
    Memory,
    /// A directory's entries; `None` is the root.
    List(Option<ModulePath>),
    /// FSWRITE, in its steps.
    Write(write::Write),
}

impl Family for Files {
    type Op = FilesOp;
    type Timer = Never;

    const COMMANDS: &'static [Command] = &[
        Command {
            syntax: &["AT+FSDRIVE=0"],
            reference: "manual AT+FSDRIVE",
            evidence: Evidence::Documented,
            set: Some(drive),
            examples: &[
                example("AT+FSDRIVE=0", "\r\n+FSDRIVE: C\r\n\r\nOK\r\n"),
                example("AT+FSDRIVE=1", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSDRIVE", "Name of the local drive")
        },
        Command {
            syntax: &["AT+FSLS=<directory>"],
            reference: "manual AT+FSLS",
            evidence: Evidence::Documented,
            remarks: "Files first, then directories with a backslash behind; each sorted by name (order assumed).",
            set: Some(list),
            examples: &[
                example("AT+FSLS=\"/\"", "\r\nOK\r\n"),
                example_after(
                    &["AT+FSMKDIR=\"/b\"", "AT+FSCREATE=\"c.txt\""],
                    "AT+FSLS=\"C:/\"",
                    "\r\nc.txt\r\nb\\\r\n\r\nOK\r\n",
                ),
                example("AT+FSLS=\"/none\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSLS", "List a directory")
        },
        Command {
            syntax: &["AT+FSMKDIR=<directory>"],
            reference: "manual AT+FSMKDIR",
            evidence: Evidence::Documented,
            remarks: "One level at a time. ERROR if it exists: assumed.",
            set: Some(make_directory),
            examples: &[
                example("AT+FSMKDIR=\"/testdir\"", "\r\nOK\r\n"),
                example("AT+FSMKDIR=\"/a/b\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSMKDIR", "Make a directory")
        },
        Command {
            syntax: &["AT+FSRMDIR=<directory>"],
            reference: "manual AT+FSRMDIR",
            evidence: Evidence::Documented,
            remarks: "ERROR if it is not empty: assumed.",
            set: Some(remove_directory),
            examples: &[
                example_after(&["AT+FSMKDIR=\"d\""], "AT+FSRMDIR=\"d\"", "\r\nOK\r\n"),
                example("AT+FSRMDIR=\"/none\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSRMDIR", "Remove an empty directory")
        },
        Command {
            syntax: &["AT+FSCREATE=<file>"],
            reference: "manual AT+FSCREATE; SSL guide 3.2",
            evidence: Evidence::Documented,
            remarks: "An existing file answers OK and is kept: assumed.",
            set: Some(create),
            examples: &[
                example("AT+FSCREATE=\"server.crt\"", "\r\nOK\r\n"),
                example("AT+FSCREATE=server.crt", "\r\nOK\r\n"),
                example("AT+FSCREATE=\"../../x\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSCREATE", "Make an empty file")
        },
        Command {
            syntax: &["AT+FSDEL=<file>"],
            reference: "manual AT+FSDEL",
            evidence: Evidence::Documented,
            set: Some(delete),
            examples: &[
                example_after(&["AT+FSCREATE=\"f\""], "AT+FSDEL=\"f\"", "\r\nOK\r\n"),
                example("AT+FSDEL=\"none\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSDEL", "Delete a file")
        },
        write::COMMAND,
        Command {
            syntax: &["AT+FSREAD=<file>,<mode 0-1>,<size 1-10240>[,<position>]"],
            reference: "manual AT+FSREAD",
            evidence: Evidence::Documented,
            remarks: "Mode 0 ignores the position, which may then be left out (assumed). A shorter file gives what it \
                      has; a position at or behind the end gives ERROR (assumed).",
            set: Some(read),
            examples: &[
                example("AT+FSREAD=\"none\",0,10,0", "\r\nERROR\r\n"),
                example_after(&["AT+FSCREATE=\"e\""], "AT+FSREAD=\"e\",1,10,0", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSREAD", "Read from a file")
        },
        Command {
            syntax: &["AT+FSFLSIZE=<file>"],
            reference: "manual AT+FSFLSIZE",
            evidence: Evidence::Documented,
            set: Some(size),
            examples: &[
                example_after(&["AT+FSCREATE=\"f\""], "AT+FSFLSIZE=\"f\"", "\r\n+FSFLSIZE: 0\r\n\r\nOK\r\n"),
                example("AT+FSFLSIZE=\"none\"", "\r\nERROR\r\n"),
            ],
            ..Command::new("+FSFLSIZE", "A file's size")
        },
        Command {
            syntax: &["AT+FSMEM"],
            reference: "manual AT+FSMEM",
            evidence: Evidence::Documented,
            remarks: "The manual's syntax has the number alone, both its examples have the word `bytes`. That it is the \
                      space still free is assumed.",
            execute: Some(memory),
            examples: &[example("AT+FSMEM", "\r\n+FSMEM: 1304000 bytes\r\n\r\nOK\r\n")],
            ..Command::new("+FSMEM", "Free space")
        },
    ];

    fn new(_setup: &Setup) -> Self {
        Self
    }

    fn resume(x: &mut Exchange<'_>, op: FilesOp, event: Resume) -> Answer {
        if let FilesOp::Write(step) = op {
            return write::resume(x, step, event);
        }
        let Resume::Store(result) = event else { return Ok(Outcome::Wait(Op::files(op))) };
        match (&op, result.map_err(|error| op.refused(error))?) {
            (FilesOp::Read { from_position: true, .. }, StoreReply::Bytes(bytes)) if bytes.is_empty() => {
                return Err(op.refused(StoreError::BadOffset));
            }
            (FilesOp::Read { .. }, StoreReply::Bytes(bytes)) => {
                x.reply.raw(b"\r\n");
                x.reply.raw(&bytes);
            }
            (FilesOp::Size(_), StoreReply::Size(size)) => x.info(format_args!("+FSFLSIZE: {size}")),
            (FilesOp::Memory, StoreReply::Size(used)) => {
                let free = x.profile().file_capacity.saturating_sub(used);
                x.info(format_args!("+FSMEM: {free} bytes"));
            }
            (FilesOp::List(_), StoreReply::Entries(entries)) => {
                for file in entries.iter().filter(|entry| !entry.directory) {
                    x.info(format_args!("{}", file.name));
                }
                for directory in entries.iter().filter(|entry| entry.directory) {
                    x.info(format_args!("{}\\", directory.name));
                }
            }
            _ => {}
        }
        Ok(Outcome::Ok)
    }
}

impl FilesOp {
    /// The store's refusal as the module says it, with the name that it is about.
    fn refused(&self, error: StoreError) -> Fault {
        match self {
            Self::Done(path) | Self::Size(path) | Self::Read { path, .. } | Self::List(Some(path)) => {
                Fault::error(format!("{path}: {error}"))
            }
            Self::List(None) | Self::Memory | Self::Write(_) => refused(error),
        }
    }
}

/// The store's refusal as the module says it.
fn refused(error: StoreError) -> Fault {
    Fault::error(format!("{error}"))
}

/// Takes the next parameter as a name below the root.
fn name(x: &mut Exchange<'_>) -> Result<ModulePath, Fault> {
    place(x)?.ok_or(Fault::error("the root itself cannot be meant here"))
}

/// Takes the next parameter as a name; `None` is the root.
fn place(x: &mut Exchange<'_>) -> Result<Option<ModulePath>, Fault> {
    let profile = x.profile();
    let typed = x.args.text(usize::MAX)?;
    path(profile, typed).map_err(Fault::error)
}

fn on_name(x: &mut Exchange<'_>, request: fn(ModulePath) -> StoreRequest, op: fn(ModulePath) -> FilesOp) -> Answer {
    let path = name(x)?;
    x.args.finish()?;
    Ok(Outcome::Store(request(path.clone()), Op::files(op(path))))
}

fn create(x: &mut Exchange<'_>) -> Answer {
    on_name(x, StoreRequest::Create, FilesOp::Done)
}

fn delete(x: &mut Exchange<'_>) -> Answer {
    on_name(x, StoreRequest::Delete, FilesOp::Done)
}

fn size(x: &mut Exchange<'_>) -> Answer {
    on_name(x, StoreRequest::Size, FilesOp::Size)
}

fn make_directory(x: &mut Exchange<'_>) -> Answer {
    on_name(x, StoreRequest::MakeDirectory, FilesOp::Done)
}

fn remove_directory(x: &mut Exchange<'_>) -> Answer {
    on_name(x, StoreRequest::RemoveDirectory, FilesOp::Done)
}

fn list(x: &mut Exchange<'_>) -> Answer {
    let directory = place(x)?;
    x.args.finish()?;
    Ok(Outcome::Store(StoreRequest::List(directory.clone()), Op::files(FilesOp::List(directory))))
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let path = name(x)?;
    let from_position = x.args.flag()?;
    let length = x.args.number(1..=x.profile().file_chunk)?;
    let position = x.args.opt_number(0..=u32::MAX)?;
    x.args.finish()?;
    let offset = match (from_position, position) {
        (false, _) => 0,
        (true, Some(position)) => u64::from(position),
        (true, None) => return Err(x.args.error(ArgErrorKind::Missing).into()),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let request = StoreRequest::Read { path: path.clone(), offset, length };
    Ok(Outcome::Store(request, Op::files(FilesOp::Read { path, from_position })))
}

fn memory(_x: &mut Exchange<'_>) -> Answer {
    Ok(Outcome::Store(StoreRequest::Usage, Op::files(FilesOp::Memory)))
}

fn drive(x: &mut Exchange<'_>) -> Answer {
    x.args.number(0..=0)?;
    x.args.finish()?;
    x.info(format_args!("+FSDRIVE: C"));
    Ok(Outcome::Ok)
}

/// Normalises a name as typed: `x`, `/x` and `C:/x` are the same file. `Ok(None)` is the root.
///
/// # Errors
/// A sentence that says why the name cannot be.
pub(crate) fn path(profile: &Profile, typed: &str) -> Result<Option<ModulePath>, String> {
    path_within(profile.file_name_limit, typed)
}

/// The same with a limit of its own.
///
/// # Errors
/// As [`path`].
pub(crate) fn path_within(limit: usize, typed: &str) -> Result<Option<ModulePath>, String> {
    if typed.len() > limit {
        return Err(format!("the name is longer than {limit} bytes"));
    }
    if typed.chars().any(char::is_control) {
        return Err("the name has a control character in it".into());
    }
    if typed.contains('\\') {
        return Err("the name has a backslash in it; the separator is `/`".into());
    }
    let bytes = typed.as_bytes();
    let below = match bytes {
        [drive, b':', ..] if !drive.eq_ignore_ascii_case(&b'C') => {
            return Err("there is no such drive; the only one is C:".into());
        }
        [_, b':', b'/', ..] | [_, b':'] => typed.get(2..).unwrap_or(""),
        [_, b':', ..] => return Err("a `/` has to follow the drive".into()),
        _ => typed,
    };
    let below = below.strip_prefix('/').unwrap_or(below);
    let below = below.strip_suffix('/').unwrap_or(below);
    if below.is_empty() {
        return if typed.is_empty() { Err("the name is empty".into()) } else { Ok(None) };
    }
    let parts: Vec<&str> = below.split('/').collect();
    if parts.first() == Some(&"sdcard0") {
        return Err("there is no TF card".into());
    }
    match parts.iter().find(|part| part.is_empty() || **part == "." || **part == "..") {
        Some(&"") => Err("the name has an empty part".into()),
        Some(part) => Err(format!("`{part}` cannot be part of a name: names do not leave the module's files")),
        None => Ok(Some(ModulePath(below.into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::AIR724UG;

    fn normal(typed: &str) -> Result<Option<String>, String> {
        path(&AIR724UG, typed).map(|path| path.map(|path| path.0))
    }

    #[test]
    fn three_spellings_are_one_file() {
        for typed in ["x", "/x", "C:/x", "c:/x"] {
            assert_eq!(normal(typed), Ok(Some("x".into())), "{typed}");
        }
        assert_eq!(normal("/USER/HTTP/ca.crt"), Ok(Some("USER/HTTP/ca.crt".into())));
    }

    #[test]
    fn the_root_has_names_too() {
        for typed in ["/", "C:/", "C:"] {
            assert_eq!(normal(typed), Ok(None), "{typed}");
        }
    }

    #[test]
    fn nothing_leaves_the_root() {
        for typed in [
            "../../x", "/..", "a/../b", ".", "a//b", "//x", "D:/x", "/sdcard0/x", "C:x", "", "a\0b", "a\nb", "C:\\x",
        ] {
            assert!(normal(typed).is_err(), "{typed:?} became {:?}", normal(typed));
        }
    }

    #[test]
    fn names_have_a_limit() {
        assert!(normal(&"n".repeat(64)).is_ok());
        assert!(normal(&"n".repeat(65)).is_err());
    }
}
