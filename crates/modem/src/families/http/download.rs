//! HTTPGETTOFS: a reply's body into a file as it comes, whatever its length.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, mem};

use super::client::{self, Task, progress};
use super::events::{conclude, fail};
use super::link::grant;
use super::{Session, session};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example, example_after};
use crate::exchange::Exchange;
use crate::families::files;
use crate::io::{Area, ModulePath, StoreError, StoreReply, StoreRequest, Ticket};
use crate::module::Module;

/// Where the files go.
const DIRECTORIES: [&str; 2] = ["USER", "USER/HTTP"];

pub(super) const HTTPGETTOFS: Command = Command {
    syntax: &["AT+HTTPGETTOFS=0,\"<file name>\"", "AT+HTTPGETTOFS?", "AT+HTTPGETTOFS=?"],
    reference: "manual AT+HTTPGETTOFS (of the EC618 family, V1148 and newer)",
    evidence: Evidence::Documented,
    remarks: "Firmwares of this module do not have it; here it is as newer siblings have it. GET with the parameters of AT+HTTPPARA, into \
              a file below /USER/HTTP of at most 64 bytes, in place of one of this name. OK, then +HTTPGETTOFS: <status>,<length> when \
              the file is whole and safe. Statuses are those of AT+HTTPACTION; 602 when the file does not fit, 0 bytes and no file unless \
              the status is 200 or 206 (assumed). What cannot begin is answered as for AT+HTTPACTION (assumed). The query says how far \
              it is: status, bytes in the file, bytes in all (0 where that is not known: assumed).",
    longest: 9_000,
    needs_card: true,
    set: Some(begin),
    read: Some(show),
    examples: &[
        example("AT+HTTPGETTOFS=0,\"a.bin\"", "\r\n+CME ERROR: 3\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPGETTOFS=0,\"a.bin\"", "\r\n+CME ERROR: 3\r\n\r\n+HTTPGETTOFS: 601,0\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPGETTOFS=0,\"a/b\"", "\r\nERROR\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPGETTOFS=1,\"a\"", "\r\nERROR\r\n"),
        example_after(&["AT+HTTPINIT"], "AT+HTTPGETTOFS?", "\r\n+HTTPGETTOFS: 0,0,0\r\n\r\nOK\r\n"),
        example("AT+HTTPGETTOFS=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+HTTPGETTOFS", "Download into a file over HTTP")
};

/// How far the file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// No reply yet, or none that is kept.
    Waiting,
    /// This directory has to be there first.
    Directory(usize),
    /// It is being gathered.
    Gathering,
    Committing,
    Done,
}

/// A download, under way or over.
pub(super) struct Download {
    path: ModulePath,
    step: Step,
    /// What the store has not answered.
    asked: Option<Ticket>,
    /// Came, and the store has not been given it.
    queue: Vec<u8>,
    /// The store has been given so much and has not answered.
    storing: usize,
    /// The store has something that has to be discarded or committed.
    begun: bool,
    status: u16,
    written: u64,
    total: u64,
}

impl fmt::Debug for Download {
    /// Without the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("step", &self.step).field("written", &self.written).finish_non_exhaustive()
    }
}

impl Download {
    fn new(path: ModulePath) -> Self {
        Self {
            path,
            step: Step::Waiting,
            asked: None,
            queue: Vec::new(),
            storing: 0,
            begun: false,
            status: 0,
            written: 0,
            total: 0,
        }
    }

    /// Bytes that came and are not put away.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len() + self.storing
    }
}

fn begin(x: &mut Exchange<'_>) -> Answer {
    x.args.number(0..=0)?;
    let name = x.args.text(x.profile().file_name_limit)?;
    if name.contains(['/', ':']) {
        return Err(Fault::error("the name is that of a file below /USER/HTTP, without a directory"));
    }
    let [.., directory] = DIRECTORIES;
    let longest = x.profile().file_name_limit + directory.len() + 1;
    let path = files::path_within(longest, &alloc::format!("{directory}/{name}")).map_err(Fault::error)?;
    let path = path.filter(|_| !name.is_empty()).ok_or(Fault::error("the name is empty"))?;
    x.args.finish()?;
    let busy = x.module.families.http.saving || session(x.module)?.action.is_some();
    let line = x.line;
    let started = match busy {
        true => Err(client::Refused { status: 604, why: "a request is under way, or a reply is being saved".into() }),
        false => {
            session(x.module)?.download = Some(Box::new(Download::new(path)));
            client::start(x.module, line, Task::Download)
        }
    };
    match started {
        Ok(()) => Ok(Outcome::Ok),
        Err(refused) => {
            client::tell(x.module, line, Task::Download, refused.status, 0);
            Err(Fault::not_allowed(refused.why))
        }
    }
}

fn show(x: &mut Exchange<'_>) -> Answer {
    let download = session(x.module)?.download.as_ref();
    let (status, written, total) =
        download.map_or((0, 0, 0), |download| (download.status, download.written, download.total));
    x.info(format_args!("+HTTPGETTOFS: {status},{written},{total}"));
    Ok(Outcome::Ok)
}

/// The head is there: the body is wanted, or not.
pub(super) fn head(module: &mut Module) {
    let session = module.families.http.session.as_deref_mut();
    let Some(Session { action: Some(action), download: Some(download), .. }) = session else { return };
    if action.task != Task::Download {
        return;
    }
    let head = action.response.head();
    let status = head.status;
    download.status = status;
    if !matches!(status, 200 | 206) {
        // Nobody wants to read what stands in it.
        return conclude(module, status, Some(Vec::new()), false);
    }
    download.total = head.length.unwrap_or_default();
    download.step = Step::Directory(0);
    pump(module);
}

/// Bytes of the body.
pub(super) fn body(module: &mut Module, bytes: &[u8]) {
    let download = module.families.http.session.as_deref_mut().and_then(|session| session.download.as_deref_mut());
    if let Some(download) = download {
        download.queue.extend_from_slice(bytes);
        pump(module);
    }
}

/// The reply is complete.
pub(super) fn complete(module: &mut Module) {
    pump(module);
}

/// The store has answered something.
pub(super) fn stored(module: &mut Module, ticket: Ticket, result: Result<StoreReply, StoreError>) {
    let download = module.families.http.session.as_deref_mut().and_then(|session| session.download.as_deref_mut());
    let Some(download) = download.filter(|download| download.asked == Some(ticket)) else { return };
    download.asked = None;
    match (download.step, result) {
        (Step::Directory(index), Ok(_) | Err(StoreError::Exists)) => {
            let next = index + 1;
            download.step = if next < DIRECTORIES.len() { Step::Directory(next) } else { Step::Gathering };
        }
        (Step::Gathering, Ok(_)) => download.written += mem::take(&mut download.storing) as u64,
        (Step::Committing, Ok(_)) => download.step = Step::Done,
        (Step::Waiting | Step::Done, _) => {}
        (_, Err(error)) => {
            // A failure has discarded it already.
            download.begun = false;
            let text = alloc::format!("{}: {error}", download.path);
            return fail(module, 602, text);
        }
    }
    progress(module);
    pump(module);
    grant(module);
}

/// Asks the store for the next thing, if it has done the last.
fn pump(module: &mut Module) {
    let capacity = module.setup.profile.file_capacity;
    let session = module.families.http.session.as_deref_mut();
    let Some(Session { action: Some(action), download: Some(download), .. }) = session else { return };
    if download.asked.is_some() {
        return;
    }
    let path = download.path.clone();
    let request = match (download.step, action.complete) {
        (Step::Directory(index), _) => {
            let name = DIRECTORIES.get(index).copied().unwrap_or_default();
            StoreRequest::MakeDirectory(ModulePath(String::from(name)))
        }
        (Step::Gathering, complete) if !download.queue.is_empty() || (complete.is_some() && !download.begun) => {
            let bytes = mem::take(&mut download.queue);
            (download.storing, download.begun) = (bytes.len(), true);
            StoreRequest::Stage { area: Area::Http, path, offset: download.written, bytes, capacity }
        }
        (Step::Gathering, Some(_)) => {
            download.step = Step::Committing;
            StoreRequest::Commit { area: Area::Http, path, capacity }
        }
        (Step::Done, Some(keep)) => {
            let status = action.response.head().status;
            return conclude(module, status, Some(Vec::new()), keep);
        }
        (Step::Gathering | Step::Done | Step::Waiting | Step::Committing, _) => return,
    };
    let ticket = module.store(request);
    let download = module.families.http.session.as_deref_mut().and_then(|session| session.download.as_deref_mut());
    if let Some(download) = download {
        download.asked = Some(ticket);
    }
}

/// The request is over, with this status; how long the file is.
pub(super) fn over(module: &mut Module, status: u16) -> u64 {
    let download = module.families.http.session.as_deref_mut().and_then(|session| session.download.as_deref_mut());
    let Some(download) = download else { return 0 };
    download.status = status;
    if download.step == Step::Done {
        return download.written;
    }
    download.written = 0;
    give_up(module);
    0
}

/// Nothing becomes of a download that is not done.
pub(super) fn give_up(module: &mut Module) {
    let download = module.families.http.session.as_deref_mut().and_then(|session| session.download.as_deref_mut());
    let Some(download) = download.filter(|download| download.step != Step::Done) else { return };
    (download.step, download.asked, download.storing) = (Step::Waiting, None, 0);
    download.queue = Vec::new();
    if mem::take(&mut download.begun) {
        module.store(StoreRequest::Discard(Area::Http));
    }
}
