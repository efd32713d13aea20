//! What each command does.

use std::fmt::Write as _;
use std::io;

use time::OffsetDateTime;

use super::control::Line;
use super::data::Transfer;
use super::files::{Entry, Refusal, resolve};
use super::{REFUSED, Session};

const FEATURES: &str = "211-There is\r\n AUTH TLS\r\n EPSV\r\n MDTM\r\n PASV\r\n PBSZ\r\n PROT\r\n \
                        REST STREAM\r\n SIZE\r\n UTF8\r\n211 and no more";

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Which way a file is written.
enum Way {
    Store,
    Append,
    Unique,
}

impl Session {
    /// Does a command.
    pub(super) async fn obey(&mut self, line: Line) -> io::Result<()> {
        let Line { word, rest } = line;
        let rest = rest.as_str();
        match word.as_str() {
            "USER" => self.user(rest).await,
            "PASS" => self.password(rest).await,
            "AUTH" => self.authenticate(rest).await,
            "PBSZ" if self.secured => {
                self.measured = true;
                self.say("200 PBSZ=0").await
            }
            "PROT" if self.measured => self.protect(rest).await,
            "PBSZ" | "PROT" => self.say("503 AUTH TLS, then PBSZ, then PROT").await,
            "CCC" => self.say("533 TLS stays").await,
            "FEAT" => self.say(FEATURES).await,
            "SYST" => self.say("215 UNIX Type: L8").await,
            "NOOP" => self.say("200 Yes").await,
            "HELP" => self.say("214 FEAT says what there is").await,
            "QUIT" => {
                self.over = true;
                self.say("221 Good bye").await
            }
            "PORT" | "EPRT" => self.say("502 EPSV or PASV: the client connects").await,
            _ if !self.logged_in => self.say("530 USER and PASS first").await,
            "REST" => match rest.parse() {
                Ok(from) => {
                    self.rest = from;
                    self.say(&format!("350 The next transfer begins at {from}")).await
                }
                Err(_) => self.say("501 A number of bytes").await,
            },
            word => {
                let from = if matches!(word, "RETR" | "STOR" | "APPE" | "STOU" | "LIST" | "NLST") {
                    std::mem::take(&mut self.rest)
                } else {
                    0
                };
                self.files_command(word, rest, from).await
            }
        }
    }

    async fn files_command(&mut self, word: &str, rest: &str, from: u64) -> io::Result<()> {
        match word {
            "TYPE" => self.choose(rest, &["A", "A N", "I", "L 8"], "A and I").await,
            "MODE" => self.choose(rest, &["S"], "S").await,
            "STRU" => self.choose(rest, &["F"], "F").await,
            "OPTS" => self.choose(rest, &["UTF8 ON", "UTF8"], "UTF8 ON").await,
            "ALLO" => self.say("202 Not needed").await,
            "EPSV" => self.listen(true, rest).await,
            "PASV" => self.listen(false, rest).await,
            "ABOR" => {
                self.passive = None;
                self.say("226 There was nothing to abort").await
            }
            "PWD" | "XPWD" => {
                let reply = format!("257 {} is the directory", quoted(&self.directory));
                self.say(&reply).await
            }
            "CWD" | "XCWD" => self.change_directory(rest).await,
            "CDUP" | "XCUP" => self.change_directory("..").await,
            "MKD" | "XMKD" | "RMD" | "XRMD" | "DELE" | "SIZE" | "MDTM" => self.about(word, rest).await,
            "LIST" | "NLST" => self.list(rest, word == "LIST").await,
            "RETR" => self.retrieve(rest, from).await,
            "STOR" => self.store(rest, from, Way::Store).await,
            "APPE" => self.store(rest, from, Way::Append).await,
            "STOU" => self.store(rest, from, Way::Unique).await,
            _ => self.say("502 There is no such command").await,
        }
    }

    async fn user(&mut self, name: &str) -> io::Result<()> {
        self.logged_in = false;
        if name.is_empty() || name == "nobody" {
            self.user = None;
            return self.denied("530 Not this user").await;
        }
        self.user = Some(name.to_owned());
        self.say("331 And the password?").await
    }

    async fn password(&mut self, password: &str) -> io::Result<()> {
        if self.user.is_none() {
            return self.say("503 USER first").await;
        }
        if password == "wrong" {
            return self.denied("530 Not this password").await;
        }
        self.logged_in = true;
        let reply = match &self.guest.certificate {
            Some(subject) => format!("230 Come in; the certificate is that of {subject}"),
            None => "230 Come in".to_owned(),
        };
        self.say(&reply).await
    }

    async fn denied(&mut self, reply: &str) -> io::Result<()> {
        self.refused += 1;
        self.over = self.refused >= REFUSED;
        self.say(reply).await
    }

    async fn protect(&mut self, level: &str) -> io::Result<()> {
        match level {
            "P" | "p" => self.protected = true,
            "C" | "c" => self.protected = false,
            _ => return self.say("536 P or C").await,
        }
        self.say("200 So be it").await
    }

    async fn choose(&mut self, wanted: &str, known: &[&str], all: &str) -> io::Result<()> {
        if known.iter().any(|there| wanted.eq_ignore_ascii_case(there)) {
            self.say("200 So be it").await
        } else {
            self.say(&format!("504 There is {all} only")).await
        }
    }

    async fn change_directory(&mut self, path: &str) -> io::Result<()> {
        let there = resolve(&self.directory, path);
        match there.filter(|path| self.files.look(path).is_some_and(|entry| entry.length.is_none())) {
            Some(path) => {
                self.directory = path;
                self.say("250 Here we are").await
            }
            None => self.refuse(Refusal::NoDirectory).await,
        }
    }

    /// One reply about one path.
    async fn about(&mut self, word: &str, path: &str) -> io::Result<()> {
        let Some(path) = resolve(&self.directory, path).filter(|_| !path.is_empty()) else {
            return self.say("501 No such name can be").await;
        };
        let file = || match self.files.look(&path) {
            None => Err(Refusal::Missing),
            Some(entry) => entry.length.map(|length| (length, entry.changed)).ok_or(Refusal::Directory),
        };
        let done = match word {
            "MKD" | "XMKD" => self.files.make(&path).map(|()| format!("257 {} is there", quoted(&path))),
            "RMD" | "XRMD" => self.files.remove(&path).map(|()| "250 It is gone".to_owned()),
            "DELE" => self.files.delete(&path).map(|()| "250 It is gone".to_owned()),
            "SIZE" => file().map(|(length, _)| format!("213 {length}")),
            _ => file().map(|(_, changed)| format!("213 {}", stamp(changed))),
        };
        match done {
            Ok(reply) => self.say(&reply).await,
            Err(refusal) => self.refuse(refusal).await,
        }
    }

    async fn list(&mut self, rest: &str, long: bool) -> io::Result<()> {
        // Options of `ls` are common and mean nothing here.
        let mut path = rest.trim_start();
        while path.starts_with('-') {
            path = path.split_once(' ').map_or("", |(_, behind)| behind.trim_start());
        }
        let entries = match resolve(&self.directory, path) {
            Some(path) => self.files.list(&path),
            None => Err(Refusal::Missing),
        };
        match entries {
            Ok(entries) => {
                let mut text = String::new();
                for entry in &entries {
                    let line = if long { listed(entry) } else { entry.name.clone() };
                    // Writing to a string cannot fail.
                    let _ = write!(text, "{line}\r\n");
                }
                self.transfer(Transfer::List(text.into_bytes()), "What is there").await
            }
            Err(refusal) => self.refuse(refusal).await,
        }
    }

    async fn retrieve(&mut self, path: &str, from: u64) -> io::Result<()> {
        let opened = match resolve(&self.directory, path) {
            Some(path) => self.files.open(&path, from),
            None => Err(Refusal::Missing),
        };
        match opened {
            Ok((open, length)) => {
                self.transfer(Transfer::Send(open, from), &format!("{} bytes", length - from)).await
            }
            Err(refusal) => self.refuse(refusal).await,
        }
    }

    async fn store(&mut self, path: &str, from: u64, way: Way) -> io::Result<()> {
        let (name, from) = match way {
            Way::Store => (path, Some(from)),
            Way::Append => (path, None),
            Way::Unique if path.is_empty() => ("unique", Some(0)),
            Way::Unique => (path, Some(0)),
        };
        let Some(mut path) = resolve(&self.directory, name).filter(|_| !name.is_empty()) else {
            return self.say("553 No such name can be").await;
        };
        // Nothing is emptied unless something can come.
        if self.passive.is_none() {
            return self.say("425 EPSV or PASV first").await;
        }
        let unique = matches!(way, Way::Unique);
        if unique {
            match self.files.free(&path) {
                Some(free) => path = free,
                None => return self.refuse(Refusal::Full).await,
            }
        }
        match self.files.create(&path, from) {
            // RFC 1123, 4.1.2.9.
            Ok(open) if unique => self.transfer(Transfer::Receive(open), &format!("FILE: {path}")).await,
            Ok(open) => self.transfer(Transfer::Receive(open), "Go ahead").await,
            Err(refusal) => self.refuse(refusal).await,
        }
    }
}

/// RFC 959: quotes in a name are doubled.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('"', "\"\""))
}

fn time(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// RFC 3659: `20261127160304`.
fn stamp(changed: i64) -> String {
    let at = time(changed);
    format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

/// A line as `ls -l` has it.
fn listed(entry: &Entry) -> String {
    let at = time(entry.changed);
    let month = MONTHS[usize::from(u8::from(at.month()) - 1)];
    let mode = if entry.length.is_some() { "-rw-r--r--" } else { "drwxr-xr-x" };
    format!(
        "{mode}    1 lab      lab      {:>8} {month} {:02} {:02}:{:02} {}",
        entry.length.unwrap_or(0),
        at.day(),
        at.hour(),
        at.minute(),
        entry.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_look_as_those_of_unix() {
        let entry = |name: &str, length| Entry { name: name.into(), length, changed: 1_721_632_680 };
        assert_eq!(
            listed(&entry("1.amr", Some(2918))),
            "-rw-r--r--    1 lab      lab          2918 Jul 22 07:18 1.amr"
        );
        assert!(listed(&entry("upload", None)).starts_with("drwxr-xr-x "));
        assert_eq!(stamp(1_721_632_680), "20240722071800");
        assert_eq!(quoted("/a\"b"), "\"/a\"\"b\"");
    }
}
