//! Debian packages that the tests use without installing them.
//!
//! FTP servers exclude each other as packages, and each would serve port 21 from the moment it is installed. Unpacked, they stand
//! side by side, serve nobody, and leave alone whatever FTP server the machine has.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run;

/// A package that is fetched and unpacked below the target directory.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: &'static str,
    /// The program that the tests start, in `usr/sbin` of the package.
    program: &'static str,
    /// Packages with libraries that it needs beyond those of the programs that are installed. They are installed, which also
    /// fetches apt's lists.
    pub(crate) libraries: &'static [&'static str],
    /// What the tests do with it.
    pub(crate) purpose: &'static str,
}

/// All of them.
pub(crate) const PACKAGES: &[Package] = &[
    Package {
        name: "vsftpd",
        program: "vsftpd",
        libraries: &["libwrap0"],
        purpose: "is an FTP server, and one that demands resumed TLS sessions",
    },
    Package {
        name: "pure-ftpd",
        program: "pure-ftpd",
        libraries: &["libsodium23"],
        purpose: "is another FTP server",
    },
];

impl Package {
    /// Where it is unpacked to. The end-to-end tests look here: beside their virtual environment.
    fn directory(&self) -> PathBuf {
        run::target().join("unpacked").join(self.name)
    }

    /// Whether the program can be started: from here, or because the machine has it.
    pub(crate) fn is_ready(&self) -> bool {
        let program = self.directory().join("usr/sbin").join(self.program);
        if program.is_file() {
            return self.has_its_libraries();
        }
        run::is_on_path(self.program)
    }

    fn has_its_libraries(&self) -> bool {
        let program = self.directory().join("usr/sbin").join(self.program);
        run::output(Command::new("ldd").arg(program)).is_ok_and(|list| !list.contains("not found"))
    }

    /// Fetches and unpacks it. apt has to know the package lists.
    ///
    /// # Errors
    /// It cannot be fetched or unpacked, or its program cannot be loaded.
    pub(crate) fn unpack(&self) -> Result<()> {
        if !run::is_on_path("apt-get") {
            bail!("there is no apt-get here; please install the program {}", self.program);
        }
        let directory = self.directory();
        if directory.exists() {
            fs::remove_dir_all(&directory)
                .with_context(|| format!("cannot empty {}", directory.display()))?;
        }
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        // As root, apt would rather fetch as a user of its own, who may not write here.
        let as_root = ["-o", "APT::Sandbox::User=root"];
        run::run(
            Command::new("apt-get")
                .current_dir(&directory)
                .args(as_root)
                .args(["download", "-qq", self.name]),
        )?;
        let archive = fs::read_dir(&directory)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .with_context(|| format!("apt-get download has left no package in {}", directory.display()))?;
        run::run(Command::new("dpkg-deb").arg("--extract").arg(&archive).arg(&directory))?;
        if !self.is_ready() {
            bail!("package {} was unpacked, but its program {} does not load", self.name, self.program);
        }
        Ok(())
    }
}
