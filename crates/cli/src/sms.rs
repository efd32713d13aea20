//! `modemtwin sms`: a short message for a module, running or not.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, bail};
use modem::AIR724UG;
use pdu::{Address, Deliver, Stamp, TPDU_LIMIT, Tpdu, from_hex};

use crate::args::{Sms, Usage};
use crate::running::data_directory;
use crate::screen::{causes, stdout};

/// Puts the message where the module finds it.
pub(crate) fn sms(options: &Sms) -> anyhow::Result<()> {
    let state = match &options.state {
        Some(directory) => directory.clone(),
        None => data_directory()?,
    };
    let tpdus = tpdus(options).map_err(|error| Usage(causes(&error)))?;
    let name = format!("modem{}", options.to);
    put(&state.join(&name), &name, &tpdus)?;
    writeln!(stdout(), "{}", done(&name, tpdus.len()))?;
    Ok(())
}

/// What to say of that.
fn done(name: &str, messages: usize) -> String {
    let what = match messages {
        1 => "the message waits".into(),
        parts => format!("the text waits as {parts} messages"),
    };
    format!("{what} for {name}, which takes it at once if it is running, or else when it runs again")
}

fn put(directory: &Path, name: &str, tpdus: &[Vec<u8>]) -> anyhow::Result<()> {
    if !directory.is_dir() {
        bail!("{name} has never run here: there is no directory {}", directory.display());
    }
    host::spool::put(directory, tpdus).with_context(|| format!("{name} cannot be reached"))
}

/// A text as the service centre would deliver it, in several messages if it is long; or the TPDU that was given.
fn tpdus(options: &Sms) -> anyhow::Result<Vec<Vec<u8>>> {
    if let Some(digits) = &options.pdu {
        let bytes = from_hex(digits.as_bytes()).filter(|bytes| bytes.len() <= TPDU_LIMIT);
        let bytes = bytes.context("--pdu takes an even count of hexadecimal digits, at most 328")?;
        return match Tpdu::parse(&bytes) {
            Ok(Tpdu::Deliver(_) | Tpdu::Report(_)) => Ok(vec![bytes]),
            Ok(Tpdu::Submit(_)) => bail!("--pdu is an SMS-SUBMIT; what comes to a module is an SMS-DELIVER"),
            Err(error) => bail!("--pdu (a TPDU without the service centre in front of it): {error}"),
        };
    }
    let text = options.text.as_deref().unwrap_or_default();
    let from = Address::parse(&options.from).with_context(|| format!("--from {}", options.from))?;
    let now = host::unix_millis();
    let stamp = Stamp::new(now.div_euclid(1000), AIR724UG.time_zone_quarters);
    let [reference, ..] = now.to_le_bytes();
    let parts = Deliver::texts(&from, text, stamp, reference)?;
    Ok(parts.iter().map(Deliver::bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    use crate::args::{Action, Cli};

    fn made(line: &[&str]) -> anyhow::Result<Vec<Vec<u8>>> {
        match Cli::try_parse_from(["modemtwin", "sms"].iter().chain(line)).unwrap().action {
            Action::Sms(options) => tpdus(&options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn texts_become_messages() {
        let short = made(&["--from", "10086", "你好"]).unwrap();
        let [tpdu] = &short[..] else { panic!("{short:?}") };
        let Ok(Tpdu::Deliver(deliver)) = Tpdu::parse(tpdu) else { panic!("it is one") };
        assert_eq!(deliver.originator.to_string(), "10086");
        assert_eq!(deliver.data.text(deliver.scheme, deliver.headers()).unwrap(), "你好");
        assert_eq!(made(&[&"x".repeat(161)]).unwrap().len(), 2);
    }

    #[test]
    fn a_wrong_pdu_is_a_mistake_on_the_command_line() {
        match Cli::try_parse_from(["modemtwin", "sms", "--state", "/nowhere", "--pdu", "0405"])
            .unwrap()
            .action
        {
            Action::Sms(options) => assert!(sms(&options).unwrap_err().is::<Usage>()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_no_module_could_receive_is_refused() {
        for (line, why) in [
            (&["--from", "no-such-number-at-all", "x"][..], "--from"),
            (&["--pdu", "0405"], "ends too early"),
            (&["--pdu", "xyz"], "hexadecimal"),
            (&["--pdu", "0011000B916407281553F80000AA0AE8329BFD4697D9EC37"], "--pdu"),
            (&["--pdu", "11000B916407281553F80000AA0AE8329BFD4697D9EC37"], "SMS-SUBMIT"),
        ] {
            let error = format!("{:#}", made(line).expect_err("it is refused"));
            assert!(error.contains(why), "{line:?}: {error}");
        }
        assert!(made(&["--pdu", "0405810180F600000290310262042304F4F29C0E"]).is_ok());
    }

    #[test]
    fn what_has_happened_is_said() {
        assert!(done("modem7", 1).starts_with("the message waits for modem7, "));
        assert!(done("modem7", 3).starts_with("the text waits as 3 messages for modem7, "));
    }

    #[test]
    fn a_module_that_never_ran_is_named() {
        let state = tempfile::tempdir().unwrap();
        let error = put(&state.path().join("modem7"), "modem7", &[]).expect_err("there is none").to_string();
        assert!(error.contains("modem7 has never run"), "{error}");
    }
}
