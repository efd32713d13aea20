//! `modemtwin explain`: what a module's TLS contexts would do, without a connection.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use host::net::{FileFacts, Holds, Network, Outlook};
use host::store::{OpenError, StoreReader};
use modem::{Input, LineId, Modem, Output, Setup, StoreError, Time};
use tls::inspect::{CertificateFacts, Validity};

use crate::args::{Explain, NameCheck, Tls};
use crate::run::name_check;
use crate::running::data_directory;
use crate::screen::{BAD, STRONG, field, stdout};

/// Where the text behind a label begins.
const INDENT: usize = 14;

/// How long after power-on a module has its clock from the network, in milliseconds.
const REGISTERED: u64 = 60_000;
/// The commands that are taken from a session: those that decide what a context is.
const TAKEN: [&str; 3] = ["AT+SSLCFG=", "AT+CIPMUX=", "AT+CCLK="];

/// Prints the account of every context in which something is set (or of context 0), and fails if one cannot work.
pub(crate) fn explain(options: &Explain) -> anyhow::Result<()> {
    if options.name_check == NameCheck::Always && options.host.is_empty() {
        bail!("--name-check always compares with the host that is connected to: say which with --host");
    }
    let mut modem = Module::new();
    for command in commands(options)? {
        modem.command(&command)?;
    }
    let reader = files(options)?;
    let read =
        |path: &str| reader.as_ref().map_or(Err(StoreError::NotFound), |reader| reader.read_whole(path));
    let network =
        Network::default().name_check(name_check(options.name_check)).modern(options.tls == Tls::Modern);

    let mut contexts = modem.modem.tls_contexts();
    if contexts.is_empty() {
        contexts.push(0);
    }
    let mut out = stdout();
    let mut bad = Vec::new();
    for (index, context) in contexts.into_iter().enumerate() {
        let Some(request) = modem.modem.tls_request(context, &options.host) else { continue };
        let outlook = network.outlook(&request, &read);
        if index > 0 {
            writeln!(out)?;
        }
        print(&mut out, &outlook)?;
        if !outlook.obstacles.is_empty() {
            bad.push(context.to_string());
        }
    }
    out.flush()?;
    if !bad.is_empty() {
        let contexts = if bad.len() == 1 { "context" } else { "contexts" };
        bail!("a connect cannot work with SSL {contexts} {}", bad.join(", "));
    }
    Ok(())
}

/// The module's files. That there are none yet is no mistake unless the user named the place.
fn files(options: &Explain) -> anyhow::Result<Option<StoreReader>> {
    let state = match &options.state {
        Some(state) => state.clone(),
        None => data_directory()?,
    };
    match StoreReader::open(&module_directory(&state, options.module)) {
        Ok(reader) => Ok(Some(reader)),
        Err(OpenError::Io { source, .. })
            if options.state.is_none() && source.kind() == std::io::ErrorKind::NotFound =>
        {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn module_directory(state: &Path, number: u32) -> PathBuf {
    state.join(format!("modem{number}"))
}

/// The commands of the session, then those of the command line.
fn commands(options: &Explain) -> anyhow::Result<Vec<String>> {
    let mut commands = Vec::new();
    if let Some(path) = &options.session {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        commands.extend(taken(&String::from_utf8_lossy(&bytes)));
        if commands.is_empty() {
            bail!("{} has no line with {}", path.display(), TAKEN.join(", "));
        }
    }
    commands.extend(options.sslcfg.iter().cloned());
    Ok(commands)
}

/// The lines of a session that matter: of a list of commands, a transcript, or a log with something before each command.
fn taken(session: &str) -> Vec<String> {
    let begins = |line: &str| TAKEN.iter().filter_map(|name| line.to_ascii_uppercase().find(name)).min();
    session.lines().filter_map(|line| begins(line).map(|at| line[at..].trim_end().to_owned())).collect()
}

/// A module in memory, registered, with its clock set by the network.
struct Module {
    modem: Modem,
}

impl Module {
    fn new() -> Self {
        let since = i64::try_from(REGISTERED).unwrap_or(0);
        let mut modem = Modem::new(Setup::new(0, 1, host::unix_millis() - since));
        modem.handle(Time(REGISTERED), Input::Tick);
        let mut module = Self { modem };
        module.drain();
        module
    }

    /// What the module says, and why.
    fn drain(&mut self) -> (String, Vec<String>) {
        let (mut said, mut notes) = (Vec::new(), Vec::new());
        while let Some(output) = self.modem.poll_output() {
            match output {
                Output::Write { bytes, .. } => said.extend(bytes),
                Output::Note(note) => notes.push(note.text),
                _ => {}
            }
        }
        (String::from_utf8_lossy(&said).into_owned(), notes)
    }

    fn command(&mut self, command: &str) -> anyhow::Result<()> {
        if !TAKEN.iter().any(|name| command.to_ascii_uppercase().starts_with(name)) {
            bail!("`{command}` does not begin with one of {}", TAKEN.join(", "));
        }
        let bytes = format!("{command}\r");
        self.modem.handle(Time(REGISTERED), Input::Line { line: LineId(0), bytes: bytes.as_bytes() });
        let (said, notes) = self.drain();
        if !said.ends_with("\r\nOK\r\n") {
            let why = notes.first().map_or("it does not say why", String::as_str);
            bail!("the module does not take `{command}`: {why}");
        }
        Ok(())
    }
}

/// The service that has this context, if it is the only one.
fn whose(context: u8) -> &'static str {
    match context {
        34 => " (FTP)",
        88 => " (MQTT)",
        153 => " (HTTP)",
        _ => "",
    }
}

fn print(out: &mut impl Write, outlook: &Outlook) -> anyhow::Result<()> {
    let Outlook { context, versions: (oldest, newest), suites, modern, server_name, .. } = outlook;
    writeln!(out, "{STRONG}SSL context {context}{}{STRONG:#}", whose(*context))?;
    let suites: Vec<String> = suites.iter().map(|suite| format!("0X{:04X}", suite.0)).collect();
    let versions = if oldest == newest { oldest.to_string() } else { format!("{oldest} to {newest}") };
    let more = if *modern { "forward-secret suites and " } else { "" };
    field(out, INDENT, "offers", &format!("{versions} with {more}{}", suites.join(" ")))?;
    if let Some(name) = server_name {
        field(out, INDENT, "SNI", name)?;
    }
    for file in &outlook.files {
        print_file(out, file, outlook.key_fits)?;
    }
    for (label, sentences) in
        [("checks", &outlook.checked), ("not checked", &outlook.unchecked), ("risks", &outlook.risks)]
    {
        for (index, sentence) in sentences.iter().enumerate() {
            field(out, INDENT, if index == 0 { label } else { "" }, sentence)?;
        }
    }
    match outlook.obstacles.as_slice() {
        [] => field(out, INDENT, "verdict", "nothing on this side is in the way of a connect")?,
        obstacles => {
            for obstacle in obstacles {
                field(
                    out,
                    INDENT,
                    &format!("{BAD}verdict{BAD:#}"),
                    &format!("a connect cannot work: {obstacle}"),
                )?;
            }
        }
    }
    Ok(())
}

fn print_file(out: &mut impl Write, file: &FileFacts, key_fits: Option<bool>) -> anyhow::Result<()> {
    let FileFacts { parameter, name, content, .. } = file;
    match content {
        Err(why) => field(out, INDENT, parameter, &format!("{name}: {why}")),
        Ok((length, Holds::Key(key))) => {
            let fits = match key_fits {
                Some(true) => ", belongs to clientcert",
                Some(false) => ", does NOT belong to clientcert",
                None => "",
            };
            field(out, INDENT, parameter, &format!("{name}: {length} bytes, {key} key{fits}"))
        }
        Ok((length, Holds::Certificates(found))) => {
            let count = if found.len() == 1 { "1 certificate" } else { "certificates:" };
            let count = if found.len() == 1 { count.to_owned() } else { format!("{} {count}", found.len()) };
            field(out, INDENT, parameter, &format!("{name}: {length} bytes, {count}"))?;
            found.iter().try_for_each(|one| field(out, INDENT, "", &certificate(one)))
        }
    }
}

fn certificate(facts: &CertificateFacts) -> String {
    let CertificateFacts { about, key, self_issued, validity } = facts;
    let issuer = if *self_issued { "itself" } else { about.issuer.as_str() };
    let key = key.as_ref().map_or_else(|| "damaged key".to_owned(), |key| format!("{key} key"));
    let dates = match validity {
        Validity::Valid => "",
        Validity::NotYet => " (NOT YET VALID)",
        Validity::Expired => " (EXPIRED)",
    };
    format!(
        "{}, issued by {issuer}, {} to {}{dates}, {key}",
        about.subject, about.not_before, about.not_after
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_lists_transcripts_and_logs() {
        let session = "AT\r\nat+sslcfg=\"seclevel\",0,2\r\n> AT+SSLCFG=\"cacert\",0,\"a b\"\n< OK\n12:00 TX: AT+CCLK=\"x\"\n";
        assert_eq!(
            taken(session),
            ["at+sslcfg=\"seclevel\",0,2", "AT+SSLCFG=\"cacert\",0,\"a b\"", "AT+CCLK=\"x\""]
        );
    }

    #[test]
    fn what_the_module_refuses_is_refused_with_its_reason() {
        let mut module = Module::new();
        module.command("AT+SSLCFG=\"seclevel\",0,2").unwrap();
        let error = module.command("AT+SSLCFG=\"seclevel\",0,3").unwrap_err().to_string();
        assert!(error.contains("from 0 to 2"), "{error}");
        assert!(module.command("AT+CPOWD=1").is_err());
        let request = module.modem.tls_request(0, "").unwrap();
        assert!(request.clock_set, "the network tells the time");
        assert_eq!(request.seclevel.number(), 2);
    }
}
