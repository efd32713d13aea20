//! What a module has sent: a file that only grows, with one predecessor.

use std::io::{self, Write};
use std::path::Path;

use cap_std::fs::{OpenOptions, OpenOptionsExt};

use super::{Store, files};

const NAME: &str = "outbox";
const OLD: &str = "outbox.old";
/// How long the file may become, in bytes.
const LIMIT: u64 = 1 << 20;

impl Store {
    /// Adds a line that ends with LF. When it returns, the line would survive the program being killed. The file is for its
    /// owner's eyes only.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn add_to_outbox(&self, line: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        let mut file = self.root.open_with(NAME, &options)?;
        if file.metadata()?.len() >= LIMIT {
            self.root.rename(NAME, &self.root, OLD)?;
            file = self.root.open_with(NAME, &options)?;
        }
        file.write_all(line.as_bytes())?;
        file.sync_all()?;
        // The name, too, where the file is new.
        files::sync_parent(&self.root, Path::new(NAME))
    }
}
