//! HTTPGET: the reply's body into a file.

use alloc::format;

use super::{Content, HttpOp, idle_session};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::{Op, files};
use crate::io::{Area, ModulePath, StoreError, StoreReply, StoreRequest};

pub(super) const HTTPGET: Command = Command {
    syntax: &["AT+HTTPGET=<file>", "AT+HTTPGET=?"],
    reference: "manual AT+HTTPGET (V401855 and newer)",
    evidence: Evidence::Documented,
    remarks: "Writes the body of the last reply into a file, in place of one of this name, in one step; OK when it is safe. The name has \
              at most 255 bytes. Without a reply, without AT+HTTPINIT and while a request is under way: +CME \
              ERROR: 3; no such directory, or no room: ERROR, and the old file stays (all assumed).",
    set: Some(save),
    examples: &[
        example("AT+HTTPGET=\"a.txt\"", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPGET=\"a.txt\"", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPGET=\"../a.txt\"", "\r\nERROR\r\n"),
        example("AT+HTTPGET=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPGET", "Save the body of the HTTP reply")
};

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Saving {
    path: ModulePath,
    length: usize,
    /// Its content is where AT cannot see it.
    staged: bool,
}

fn save(x: &mut Exchange<'_>) -> Answer {
    let profile = x.profile();
    let typed = x.args.text(profile.http.path)?;
    let path = files::path_within(profile.http.path, typed).map_err(Fault::error)?;
    let path = path.ok_or(Fault::error("the root itself cannot be meant here"))?;
    x.args.finish()?;
    let session = idle_session(x.module)?;
    if session.buffer.content != Content::Reply {
        return Err(Fault::not_allowed("there is no reply to save: AT+HTTPACTION comes first"));
    }
    let bytes = session.buffer.bytes.to_vec();
    let http = &mut x.module.families.http;
    if core::mem::replace(&mut http.saving, true) {
        return Err(Fault::not_allowed("another line saves the reply at this moment"));
    }
    let length = bytes.len();
    let capacity = profile.file_capacity;
    let request = StoreRequest::Stage { area: Area::Http, path: path.clone(), offset: 0, bytes, capacity };
    Ok(Outcome::Store(request, Op::http(HttpOp::Save(Saving { path, length, staged: false }))))
}

/// The store has answered.
pub(super) fn go_on(x: &mut Exchange<'_>, saving: Saving, result: Result<StoreReply, StoreError>) -> Answer {
    if let Err(error) = result {
        x.module.families.http.saving = false;
        return Err(Fault::error(format!("{}: {error}", saving.path)));
    }
    if saving.staged {
        x.module.families.http.saving = false;
        x.info(format_args!("+HTTPGET:{}", saving.length));
        return Ok(Outcome::Ok);
    }
    let path = saving.path.clone();
    let request = StoreRequest::Commit { area: Area::Http, path, capacity: x.profile().file_capacity };
    Ok(Outcome::Store(request, Op::http(HttpOp::Save(Saving { staged: true, ..saving }))))
}
