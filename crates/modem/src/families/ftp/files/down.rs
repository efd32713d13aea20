//! FTPGETTOFS: from the server into a file. The bytes are gathered where AT cannot see them, and become the file at the end.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{BLOCK, Retry, Transfer, Way, check_idle, end, failed, give_up, opened, visit};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, example};
use crate::exchange::Exchange;
use crate::families::Op;
use crate::families::ftp::job::{Action, Done, Failure, Job, Party, Supply};
use crate::families::ftp::local::{self, Step};
use crate::families::ftp::settings::Type;
use crate::families::ftp::{FtpOp, check_not_saving, engine};
use crate::io::{LineId, ModulePath, StoreError, StoreReply, StoreRequest};
use crate::module::Module;

pub(crate) const FTPGETTOFS: Command = Command {
    syntax: &[
        "AT+FTPGETTOFS=0,<name, at most 64>[,<reconnects 0-255, default 3>[,<seconds before each 0-60, default 5>]]",
        "AT+FTPGETTOFS?   0, or 1,<received>,<written>",
        "AT+FTPGETTOFS=?",
    ],
    reference: "manual AT+FTPGETTOFS",
    evidence: Evidence::Documented,
    remarks: "OK, then +FTPGETTOFS: 0,<bytes>, or +FTPGETTOFS: <error>. The file is in C:/USER/FTP when it is whole, in place of one of that \
              name; until then there is nothing of it, and a failure leaves what was there (assumed). Does not fit: error 85, before \
              anything is downloaded where the server tells the size (assumed). A connection that breaks is made anew, and the \
              download resumed with REST (with AT+FTPTYPE=A it begins at 0, assumed); what the server refuses is not tried again (assumed). AT+FTPREST does not count (assumed). \
              AT+FTPQUIT ends it with error 86 (assumed).",
    needs_card: true,
    read: Some(show),
    set: Some(download),
    examples: &[
        example("AT+FTPGETTOFS?", "\r\n+FTPGETTOFS: 0\r\n\r\nOK\r\n"),
        example("AT+FTPGETTOFS=0,\"a/b\"", "\r\nERROR\r\n"),
        example("AT+FTPGETTOFS=1,\"a\"", "\r\nERROR\r\n"),
        example("AT+FTPGETTOFS=0,\"a\",256", "\r\nERROR\r\n"),
        example("AT+FTPGETTOFS=0,\"a\",1,61", "\r\nERROR\r\n"),
        example("AT+FTPGETTOFS=0,\"a\"", "\r\n+CME ERROR: 3\r\n"),
        example("AT+FTPGETTOFS=?", "\r\nOK\r\n"),
    ],
    ..Command::new("+FTPGETTOFS", "Download into a file")
};

/// On its way down.
pub(crate) struct Down {
    /// On the server.
    file: String,
    /// Bytes as they are, so that the size is the server's.
    image: bool,
    /// Bytes that it may have at most.
    free: u64,
    /// As the server says.
    size: Option<u64>,
    received: u64,
    /// Where this session began.
    from: u64,
    written: u64,
    /// What the store is asked for, or was last.
    step: Step,
    /// Received, and not given to the store.
    held: Vec<u8>,
    /// Given to the store, which has not answered.
    staging: usize,
    /// All has been received.
    whole: bool,
}

impl Down {
    /// Whether the store has done what it was asked for.
    pub(super) fn check(&self, result: Result<StoreReply, StoreError>) -> Result<(), StoreError> {
        self.step.check(result)
    }
}

/// A download that was asked for, while the store is asked whether it can be.
#[derive(Debug)]
pub(crate) struct Preparing {
    path: ModulePath,
    retry: Retry,
    question: Question,
}

#[derive(Clone, Copy, Debug)]
enum Question {
    /// How long the file is that would be replaced.
    Old,
    /// How many bytes are in use, so many of which would be given back.
    Usage(u64),
}

static PARTY: Party = Party {
    name: "FTPGETTOFS",
    opened,
    sized: Some(sized),
    room,
    received,
    supply: |_, _| Supply::End,
    ended,
};

fn download_action(x: &Exchange<'_>) -> Action {
    Action::Get { file: x.module.families.ftp.settings.file(), from: 0 }
}

fn download(x: &mut Exchange<'_>) -> Answer {
    x.args.number(0..=0)?;
    let path = local::name(x)?;
    let retry = Retry::typed(x)?;
    check_idle(x.module)?;
    check_not_saving(x.module)?;
    engine::check(x.module, &x.module.families.ftp.settings, &download_action(x))?;
    ask(Preparing { path, retry, question: Question::Old })
}

fn ask(preparing: Preparing) -> Answer {
    let request = match preparing.question {
        Question::Old => StoreRequest::Size(preparing.path.clone()),
        Question::Usage(_) => StoreRequest::Usage,
    };
    Ok(Outcome::Store(request, Op::ftp(FtpOp::Prepare(preparing))))
}

/// The store has said how much room there is.
pub(in crate::families::ftp) fn prepared(
    x: &mut Exchange<'_>,
    mut preparing: Preparing,
    result: Result<StoreReply, StoreError>,
) -> Answer {
    let size = match result {
        Ok(StoreReply::Size(size)) => size,
        Err(StoreError::NotFound) => 0,
        Ok(_) => return Err(Fault::error("the file store gave no size")),
        Err(error) => return Err(Fault::error(format!("{}: {error}", preparing.path))),
    };
    let Question::Usage(freed) = preparing.question else {
        preparing.question = Question::Usage(size);
        return ask(preparing);
    };
    let free = x.profile().file_capacity.saturating_sub(size.saturating_sub(freed));
    let Preparing { path, retry, .. } = preparing;
    check_idle(x.module)?;
    check_not_saving(x.module)?;
    let action = download_action(x);
    engine::start(x.module, Job { action, party: &PARTY, line: x.line })?;
    let settings = x.module.families.ftp.settings.clone();
    let down = Down {
        file: settings.file(),
        image: settings.type_ == Type::Image,
        free,
        size: None,
        received: 0,
        from: 0,
        written: 0,
        step: Step::FIRST,
        held: Vec::new(),
        staging: 0,
        whole: false,
    };
    x.module.families.ftp.files = Some(Transfer::new(x.line, path, retry, settings, Way::Down(down)));
    request(x.module, Step::FIRST, Vec::new());
    Ok(Outcome::Ok)
}

fn show(x: &mut Exchange<'_>) -> Answer {
    match down(x.module) {
        Some(Down { received, written, .. }) => x.reply.info(format_args!("+FTPGETTOFS: 1,{received},{written}")),
        None => x.reply.info(format_args!("+FTPGETTOFS: 0")),
    }
    Ok(Outcome::Ok)
}

fn down(module: &Module) -> Option<&Down> {
    match &module.families.ftp.files.as_ref()?.way {
        Way::Down(down) => Some(down),
        Way::Up(_) => None,
    }
}

fn down_mut(module: &mut Module) -> Option<&mut Down> {
    match &mut module.families.ftp.files.as_mut()?.way {
        Way::Down(down) => Some(down),
        Way::Up(_) => None,
    }
}

/// Begins a session, from where the last one broke. Of a text the server converts that place is not known: it begins at 0.
pub(super) fn begin(module: &mut Module) {
    let Some(down) = down_mut(module) else { return };
    let anew = !down.image && down.step == Step::Stage;
    if anew {
        (down.received, down.written, down.staging) = (0, 0, 0);
        down.held = Vec::new();
    }
    down.from = down.received;
    let action = Action::Get { file: down.file.clone(), from: down.from };
    if anew {
        request(module, Step::Stage, Vec::new());
    }
    visit(module, action, &PARTY);
}

/// The server tells how long the file is.
fn sized(module: &mut Module, size: u64) {
    let Some(down) = down_mut(module) else { return };
    if down.size.is_some_and(|before| before != size) {
        let why = "the server's file is not as long as it was before the connection broke";
        return give_up(module, Failure::Download, why);
    }
    down.size = Some(size);
    let free = down.free;
    if size > free {
        let why = format!("the file system is full: {size} bytes do not fit into {free} free ones");
        give_up(module, Failure::File, why);
    }
}

/// Nothing is taken before the store is ready, and never more than a block that it has not taken.
fn room(module: &Module) -> usize {
    match down(module) {
        Some(down) if down.step == Step::Stage => BLOCK.saturating_sub(down.held.len() + down.staging),
        _ => 0,
    }
}

fn received(module: &mut Module, bytes: &[u8]) {
    let Some(down) = down_mut(module) else { return };
    down.received += bytes.len() as u64;
    down.held.extend_from_slice(bytes);
    push(module);
}

/// Gives the store what it has not got, and at the end has it made the file.
fn push(module: &mut Module) {
    let Some(transfer) = &mut module.families.ftp.files else { return };
    let Way::Down(down) = &mut transfer.way else { return };
    if transfer.asked.is_some() || transfer.failed.is_some() || down.step != Step::Stage {
        return;
    }
    if !down.held.is_empty() {
        let bytes = core::mem::take(&mut down.held);
        down.staging = bytes.len();
        request(module, Step::Stage, bytes);
    } else if down.whole {
        request(module, Step::Commit, Vec::new());
    }
}

fn request(module: &mut Module, step: Step, bytes: Vec<u8>) {
    let capacity = module.setup.profile.file_capacity;
    let Some(transfer) = &mut module.families.ftp.files else { return };
    let Way::Down(down) = &mut transfer.way else { return };
    down.step = step;
    let request = step.request(&transfer.path, down.written, bytes, capacity);
    let ticket = module.store(request);
    if let Some(transfer) = &mut module.families.ftp.files {
        transfer.asked = Some(ticket);
    }
}

/// The store has done what it was asked for.
pub(super) fn stored(module: &mut Module) {
    let Some(down) = down_mut(module) else { return };
    down.written += core::mem::take(&mut down.staging) as u64;
    match down.step {
        Step::Directory(_) => {
            // The first block is empty: it shows whether there can be others.
            if let Some(next) = down.step.next() {
                request(module, next, Vec::new());
            }
        }
        Step::Stage => {
            push(module);
            if module.families.ftp.session.is_some() {
                engine::go_on(module);
            }
        }
        Step::Commit => {
            let written = down.written;
            end(module, Ok(written));
        }
    }
}

fn ended(module: &mut Module, _line: LineId, result: Result<Done, Failure>) {
    let Some(transfer) = &mut module.families.ftp.files else { return };
    if let Some(failure) = transfer.failed {
        return end(module, Err(failure));
    }
    let Way::Down(down) = &mut transfer.way else { return };
    let length = down.size.filter(|_| down.image).map(|size| down.received.cmp(&size));
    let outcome = match (result, length) {
        (Ok(_), Some(Ordering::Less)) => Err(Failure::Download),
        // It may have grown meanwhile, but not behind a place to go on from.
        (Ok(_), Some(Ordering::Greater)) if down.from > 0 => {
            let why = "the server has sent more than the rest: it has not gone on where it was told to";
            return give_up(module, Failure::Download, why);
        }
        // Only the server's last words are missing.
        (Err(failure), Some(Ordering::Equal)) if failure != Failure::Quit && transfer.opened => Ok(()),
        (result, _) => result.map(|_| ()),
    };
    match outcome {
        Ok(()) => {
            down.whole = true;
            push(module);
        }
        Err(failure) => failed(module, failure),
    }
}
