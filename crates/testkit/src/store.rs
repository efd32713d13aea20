//! A file store in memory that does what [`StoreRequest`] says, to the letter.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use modem::{Area, Entry, ModulePath, Section, StoreError, StoreReply, StoreRequest};

/// A module's files and settings in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    nodes: BTreeMap<String, Node>,
    settings: Option<Vec<u8>>,
    messages: Option<Vec<u8>>,
    staged: BTreeMap<Area, Vec<u8>>,
    /// Every request fails, as when the computer's own file system does.
    pub failing: bool,
}

#[derive(Clone, Debug)]
enum Node {
    File(Vec<u8>),
    Directory,
}

impl MemoryStore {
    /// Does what the module asks for.
    ///
    /// # Errors
    ///
    /// As [`StoreRequest`] says.
    pub fn handle(&mut self, request: &StoreRequest) -> Result<StoreReply, StoreError> {
        if self.failing {
            if let StoreRequest::Stage { area, .. } | StoreRequest::Commit { area, .. } = request {
                self.staged.remove(area);
            }
            return Err(StoreError::Io);
        }
        match request {
            StoreRequest::Create(path) => self.create(path),
            StoreRequest::Write { path, append, bytes, capacity } => {
                self.write(path, *append, bytes, *capacity)
            }
            StoreRequest::Read { path, offset, length } => self.read(path, *offset, *length),
            StoreRequest::Delete(path) => {
                self.content(path.as_str())?;
                self.nodes.remove(path.as_str());
                Ok(StoreReply::Done)
            }
            StoreRequest::Size(path) => Ok(StoreReply::Size(self.content(path.as_str())?.len() as u64)),
            StoreRequest::List(path) => self.list(path.as_ref()),
            StoreRequest::MakeDirectory(path) => {
                self.check_parent(path.as_str())?;
                match self.nodes.entry(path.as_str().into()) {
                    Slot::Occupied(_) => Err(StoreError::Exists),
                    Slot::Vacant(slot) => {
                        slot.insert(Node::Directory);
                        Ok(StoreReply::Done)
                    }
                }
            }
            StoreRequest::RemoveDirectory(path) => self.remove_directory(path),
            StoreRequest::Usage => Ok(StoreReply::Size(self.usage())),
            StoreRequest::Stage { area, path, offset, bytes, capacity } => {
                self.stage(*area, path, *offset, bytes, *capacity)
            }
            StoreRequest::Commit { area, path, capacity } => {
                let content = self.staged.remove(area).ok_or(StoreError::NotFound)?;
                self.check_fits(path, content.len(), *capacity)?;
                self.nodes.insert(path.as_str().into(), Node::File(content));
                Ok(StoreReply::Done)
            }
            StoreRequest::Discard(area) => {
                self.staged.remove(area);
                Ok(StoreReply::Done)
            }
            StoreRequest::Persist { section, bytes } => {
                match section {
                    Section::Settings => self.settings = Some(bytes.clone()),
                    Section::Messages => self.messages = Some(bytes.clone()),
                }
                Ok(StoreReply::Done)
            }
        }
    }

    /// What was kept last as this section.
    #[must_use]
    pub fn kept(&self, section: Section) -> Option<&[u8]> {
        match section {
            Section::Settings => self.settings.as_deref(),
            Section::Messages => self.messages.as_deref(),
        }
    }

    /// A file's content, whatever the module did with it.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.content(path).ok().map(Vec::as_slice)
    }

    /// Puts a file there and the directories it needs, whatever the module did.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        for (index, _) in path.match_indices('/') {
            self.nodes.insert(path[..index].into(), Node::Directory);
        }
        self.nodes.insert(path.into(), Node::File(bytes));
    }

    fn content(&self, path: &str) -> Result<&Vec<u8>, StoreError> {
        self.check_parent(path)?;
        match self.nodes.get(path) {
            Some(Node::File(bytes)) => Ok(bytes),
            Some(Node::Directory) => Err(StoreError::WrongKind),
            None => Err(StoreError::NotFound),
        }
    }

    /// Everything above a path has to be a directory.
    fn check_parent(&self, path: &str) -> Result<(), StoreError> {
        path.match_indices('/').try_for_each(|(index, _)| match self.nodes.get(&path[..index]) {
            Some(Node::Directory) => Ok(()),
            Some(Node::File(_)) => Err(StoreError::WrongKind),
            None => Err(StoreError::NotFound),
        })
    }

    fn usage(&self) -> u64 {
        let size = |node: &Node| if let Node::File(bytes) = node { bytes.len() as u64 } else { 0 };
        self.nodes.values().map(size).sum()
    }

    fn create(&mut self, path: &ModulePath) -> Result<StoreReply, StoreError> {
        self.check_parent(path.as_str())?;
        match self.nodes.entry(path.as_str().into()).or_insert_with(|| Node::File(Vec::new())) {
            Node::File(_) => Ok(StoreReply::Done),
            Node::Directory => Err(StoreError::WrongKind),
        }
    }

    fn write(
        &mut self,
        path: &ModulePath,
        append: bool,
        bytes: &[u8],
        capacity: u64,
    ) -> Result<StoreReply, StoreError> {
        let old = self.content(path.as_str())?;
        let freed = if append { 0 } else { old.len() as u64 };
        if self.usage() - freed + bytes.len() as u64 > capacity {
            return Err(StoreError::Full);
        }
        if let Some(Node::File(content)) = self.nodes.get_mut(path.as_str()) {
            if !append {
                content.clear();
            }
            content.extend_from_slice(bytes);
        }
        Ok(StoreReply::Done)
    }

    fn stage(
        &mut self,
        area: Area,
        path: &ModulePath,
        offset: u64,
        bytes: &[u8],
        capacity: u64,
    ) -> Result<StoreReply, StoreError> {
        // Whatever goes wrong, nothing stays.
        let mut content = self.staged.remove(&area).unwrap_or_default();
        if offset == 0 {
            content.clear();
        }
        if content.len() as u64 != offset {
            return Err(StoreError::BadOffset);
        }
        content.extend_from_slice(bytes);
        self.check_fits(path, content.len(), capacity)?;
        self.staged.insert(area, content);
        Ok(StoreReply::Done)
    }

    /// A file of this path and length can be put there, in place of one that is there.
    fn check_fits(&self, path: &ModulePath, length: usize, capacity: u64) -> Result<(), StoreError> {
        let old = match self.content(path.as_str()) {
            Ok(old) => old.len() as u64,
            Err(StoreError::NotFound) => {
                self.check_parent(path.as_str())?;
                0
            }
            Err(error) => return Err(error),
        };
        if self.usage() - old + length as u64 > capacity { Err(StoreError::Full) } else { Ok(()) }
    }

    /// What is staged and neither committed nor discarded.
    pub fn staged(&self) -> impl Iterator<Item = (Area, &[u8])> {
        self.staged.iter().map(|(area, bytes)| (*area, bytes.as_slice()))
    }

    /// A killed program takes with it what is staged.
    pub fn killed(&mut self) {
        self.staged.clear();
    }

    fn read(&self, path: &ModulePath, offset: u64, length: usize) -> Result<StoreReply, StoreError> {
        let content = self.content(path.as_str())?;
        let offset = usize::try_from(offset).map_err(|_| StoreError::BadOffset)?;
        if offset >= content.len() && offset > 0 {
            return Err(StoreError::BadOffset);
        }
        let end = offset.saturating_add(length).min(content.len());
        Ok(StoreReply::Bytes(content[offset..end].to_vec()))
    }

    fn list(&self, path: Option<&ModulePath>) -> Result<StoreReply, StoreError> {
        let prefix = match path {
            None => String::new(),
            Some(path) => {
                self.check_parent(path.as_str())?;
                match self.nodes.get(path.as_str()) {
                    Some(Node::Directory) => format!("{path}/"),
                    Some(Node::File(_)) => return Err(StoreError::WrongKind),
                    None => return Err(StoreError::NotFound),
                }
            }
        };
        // Sorted by name: below one directory, the map's order is that of the names.
        let entries = self.nodes.iter().filter_map(|(name, node)| {
            let name = name.strip_prefix(&prefix).filter(|name| !name.contains('/'))?;
            Some(Entry { name: name.into(), directory: matches!(node, Node::Directory) })
        });
        Ok(StoreReply::Entries(entries.collect()))
    }

    fn remove_directory(&mut self, path: &ModulePath) -> Result<StoreReply, StoreError> {
        match self.list(Some(path))? {
            StoreReply::Entries(entries) if entries.is_empty() => {
                self.nodes.remove(path.as_str());
                Ok(StoreReply::Done)
            }
            _ => Err(StoreError::NotEmpty),
        }
    }
}

#[cfg(test)]
mod tests;
