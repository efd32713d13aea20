//! The files of the FTP server: in memory, the same for all sessions, and bounded. No I/O.

use std::collections::BTreeMap;
use std::sync::Mutex;

use transcript::Fill;

use crate::lab::pattern;

/// How many bytes of files fit.
pub(crate) const ROOM: usize = 32 << 20;
/// How many files and directories there may be.
const ENTRIES: usize = 1000;
/// The longest path.
const PATH: usize = 1024;

/// Why something is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such file.
    Missing,
    /// There is no such directory.
    NoDirectory,
    /// There is something of this name.
    Exists,
    /// It is a directory.
    Directory,
    /// It is a directory with something in it, or the root.
    InUse,
    /// There is no room.
    Full,
    /// The file is shorter.
    Short,
    /// One of the files that are always there can be replaced, but not changed.
    Fixed,
    /// Another session has replaced or removed it meanwhile.
    Replaced,
}

/// A file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// A file's length; `None` for a directory.
    pub(super) length: Option<u64>,
    /// When it was changed, in seconds since 1970.
    pub(super) changed: i64,
}

/// A file that is being read or written; stale when another session has begun to write it.
#[derive(Clone, Debug)]
pub(super) struct Open {
    path: String,
    version: u64,
    /// Where writing began, and whether there was no such file.
    start: usize,
    fresh: bool,
}

#[derive(Debug)]
enum Content {
    Directory,
    /// Made when it is read.
    Made(Fill, u64),
    Given(Vec<u8>),
}

#[derive(Debug)]
struct Node {
    content: Content,
    changed: i64,
    version: u64,
}

#[derive(Debug, Default)]
struct State {
    /// By path: `/` and what is in it, `/a`, `/a/b`.
    nodes: BTreeMap<String, Node>,
    used: usize,
    versions: u64,
}

/// All files.
#[derive(Debug)]
pub(crate) struct Files(Mutex<State>);

/// A path from the root, without `.` and `..`, or `None` if it cannot be one. It names nothing on this computer.
pub(super) fn resolve(directory: &str, path: &str) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    let base = if path.starts_with('/') { "" } else { directory };
    for name in base.split('/').chain(path.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    let whole = format!("/{}", names.join("/"));
    (whole.len() <= PATH && !whole.chars().any(char::is_control)).then_some(whole)
}

fn parent(path: &str) -> &str {
    match path.rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((parent, _)) => parent,
    }
}

fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Files {
    /// What is always there.
    pub(crate) fn new() -> Self {
        let mut state = State::default();
        let hello = include_bytes!("../hello.txt");
        for (path, content) in [
            ("/", Content::Directory),
            ("/hello.txt", Content::Given(hello.to_vec())),
            ("/text-4000.txt", Content::Made(Fill::Text, 4_000)),
            ("/bytes-300000.bin", Content::Made(Fill::CountUp, 300_000)),
            ("/bytes-5m.bin", Content::Made(Fill::CountUp, 5 << 20)),
            ("/upload", Content::Directory),
        ] {
            state.put(path, content);
        }
        state.used = hello.len();
        Self(Mutex::new(state))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// What is at a path.
    pub(super) fn look(&self, path: &str) -> Option<Entry> {
        self.with(|state| state.nodes.get(path).map(|node| node.entry(path)))
    }

    /// What is in a directory, or the one file.
    pub(super) fn list(&self, path: &str) -> Result<Vec<Entry>, Refusal> {
        self.with(|state| match state.nodes.get(path).ok_or(Refusal::Missing)? {
            Node { content: Content::Directory, .. } => Ok(state
                .nodes
                .iter()
                .filter(|(there, _)| *there != "/" && parent(there) == path)
                .map(|(there, node)| node.entry(there))
                .collect()),
            node => Ok(vec![node.entry(path)]),
        })
    }

    /// Makes a directory.
    pub(super) fn make(&self, path: &str) -> Result<(), Refusal> {
        self.with(|state| {
            if state.nodes.contains_key(path) {
                return Err(Refusal::Exists);
            }
            state.room_for(path)?;
            state.put(path, Content::Directory);
            Ok(())
        })
    }

    /// Removes an empty directory.
    pub(super) fn remove(&self, path: &str) -> Result<(), Refusal> {
        self.with(|state| match state.nodes.get(path) {
            Some(Node { content: Content::Directory, .. })
                if path == "/" || state.nodes.keys().any(|there| parent(there) == path) =>
            {
                Err(Refusal::InUse)
            }
            Some(Node { content: Content::Directory, .. }) => {
                state.nodes.remove(path);
                Ok(())
            }
            _ => Err(Refusal::NoDirectory),
        })
    }

    /// Removes a file.
    pub(super) fn delete(&self, path: &str) -> Result<(), Refusal> {
        self.with(|state| match state.nodes.get(path) {
            None => Err(Refusal::Missing),
            Some(Node { content: Content::Directory, .. }) => Err(Refusal::Directory),
            Some(_) => {
                state.forget(path);
                Ok(())
            }
        })
    }

    /// A name that is free: this one, or with a number behind it.
    pub(super) fn free(&self, path: &str) -> Option<String> {
        self.with(|state| {
            let numbered = (1..=ENTRIES).map(|number| format!("{path}.{number}"));
            std::iter::once(path.to_owned())
                .chain(numbered)
                .find(|candidate| candidate.len() <= PATH && !state.nodes.contains_key(candidate))
        })
    }

    /// Opens a file to be read from a place on.
    pub(super) fn open(&self, path: &str, from: u64) -> Result<(Open, u64), Refusal> {
        self.with(|state| {
            let node = state.nodes.get(path).ok_or(Refusal::Missing)?;
            let length = node.length().ok_or(Refusal::Directory)?;
            if from > length {
                return Err(Refusal::Short);
            }
            let open = Open { path: path.to_owned(), version: node.version, start: 0, fresh: false };
            Ok((open, length))
        })
    }

    /// At most so many bytes from a place on; none at the end.
    pub(super) fn read(&self, open: &Open, from: u64, count: usize) -> Result<Vec<u8>, Refusal> {
        self.with(|state| {
            let node = state
                .nodes
                .get(&open.path)
                .filter(|node| node.version == open.version)
                .ok_or(Refusal::Replaced)?;
            let to = from.saturating_add(count as u64).min(node.length().unwrap_or(0));
            Ok(match &node.content {
                Content::Directory => Vec::new(),
                Content::Made(fill, _) => pattern::bytes(*fill, from, to),
                Content::Given(bytes) => {
                    let place = |number| usize::try_from(number).unwrap_or(usize::MAX);
                    bytes.get(place(from)..place(to)).unwrap_or_default().to_vec()
                }
            })
        })
    }

    /// Opens a file to be written from a place on (`None`: from its end on); what is behind that place is gone.
    pub(super) fn create(&self, path: &str, from: Option<u64>) -> Result<Open, Refusal> {
        self.with(|state| {
            let fresh = !state.nodes.contains_key(path);
            if fresh {
                state.room_for(path)?;
            }
            let length = match state.nodes.get(path).map(|node| &node.content) {
                Some(Content::Directory) => return Err(Refusal::Directory),
                Some(Content::Made(..)) if from != Some(0) => return Err(Refusal::Fixed),
                Some(Content::Given(bytes)) => bytes.len(),
                Some(Content::Made(..)) | None => 0,
            };
            let start = from.map_or(length, |from| usize::try_from(from).unwrap_or(usize::MAX));
            if start > length {
                return Err(Refusal::Short);
            }
            let mut bytes = state.forget(path);
            bytes.truncate(start);
            state.used += bytes.len();
            let version = state.put(path, Content::Given(bytes));
            Ok(Open { path: path.to_owned(), version, start, fresh })
        })
    }

    /// Writes at the end.
    pub(super) fn write(&self, open: &Open, more: &[u8]) -> Result<(), Refusal> {
        self.with(|state| {
            let used = state.used.saturating_add(more.len());
            match state.nodes.get_mut(&open.path).filter(|node| node.version == open.version) {
                Some(Node { content: Content::Given(bytes), .. }) if used <= ROOM => {
                    bytes.extend_from_slice(more);
                    state.used = used;
                    Ok(())
                }
                Some(_) => Err(Refusal::Full),
                None => Err(Refusal::Replaced),
            }
        })
    }

    /// Takes back what was written.
    pub(super) fn take_back(&self, open: &Open) {
        self.with(|state| {
            if state.nodes.get(&open.path).is_none_or(|node| node.version != open.version) {
                return;
            }
            let mut bytes = state.forget(&open.path);
            if !open.fresh {
                bytes.truncate(open.start);
                state.used += bytes.len();
                state.put(&open.path, Content::Given(bytes));
            }
        });
    }
}

impl State {
    fn put(&mut self, path: &str, content: Content) -> u64 {
        self.versions += 1;
        let node = Node { content, changed: crate::unix_millis() / 1000, version: self.versions };
        self.nodes.insert(path.to_owned(), node);
        self.versions
    }

    /// Removes a node; its bytes.
    fn forget(&mut self, path: &str) -> Vec<u8> {
        match self.nodes.remove(path) {
            Some(Node { content: Content::Given(bytes), .. }) => {
                self.used = self.used.saturating_sub(bytes.len());
                bytes
            }
            _ => Vec::new(),
        }
    }

    /// Whether something new can be put at a path.
    fn room_for(&self, path: &str) -> Result<(), Refusal> {
        match self.nodes.get(parent(path)) {
            Some(Node { content: Content::Directory, .. }) if self.nodes.len() < ENTRIES => Ok(()),
            Some(Node { content: Content::Directory, .. }) => Err(Refusal::Full),
            _ => Err(Refusal::NoDirectory),
        }
    }
}

impl Node {
    fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Directory => None,
            Content::Made(_, length) => Some(*length),
            Content::Given(bytes) => Some(bytes.len() as u64),
        }
    }

    fn entry(&self, path: &str) -> Entry {
        Entry { name: name(path).to_owned(), length: self.length(), changed: self.changed }
    }
}

#[cfg(test)]
mod tests;
