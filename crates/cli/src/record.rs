//! `--keylog` and `--pcap`: files that let somebody read along.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use host::net::{Capture, KeyLog, Recording};

use crate::args::Record;
use crate::screen;

/// Opens the files and says, loudly, what they are. Nothing is said or opened when neither is asked for.
pub(crate) fn start(options: &Record) -> anyhow::Result<Recording> {
    let Record { keylog, pcap, force } = options;
    let key_log = keylog.as_deref().map(|path| {
        let opened = opened(KeyLog::open(path, *force), path)?;
        shout("the secrets of all TLS sessions go", path);
        anyhow::Ok(Arc::new(opened))
    });
    let capture = pcap.as_deref().map(|path| {
        let opened = opened(Capture::open(path, *force), path)?;
        shout("all traffic, with the secrets that decrypt it, goes", path);
        anyhow::Ok(Arc::new(opened))
    });
    Ok(Recording { key_log: key_log.transpose()?, capture: capture.transpose()? })
}

fn opened<T>(result: io::Result<T>, path: &Path) -> anyhow::Result<T> {
    result.map_err(|error| {
        let path = path.display();
        // A refusal of the program's own has no number of the system's.
        if error.raw_os_error().is_some() {
            return anyhow!("cannot write {path}: {error}");
        }
        let hint = "(a new file is made for you alone; --force takes one that others may read, or what is not a file)";
        anyhow!("{path} is not used for secrets: {error} {hint}")
    })
}

/// On standard error, whatever is logged: this is never to go unnoticed.
fn shout(what: &str, path: &Path) {
    let path = path.display();
    let text = format!("{what} to {path}: who can read this file can read what the modules send and receive");
    screen::shout("WARNING:", &text);
}
