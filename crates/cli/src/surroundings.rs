//! `--world FILE`: the modules' surroundings, and how they change.

use std::future::pending;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use host::Handle;
use modem::{Setup, WorldChange};
use tokio::time::{Instant, sleep_until};
use transcript::{ModuleSetting, WorldFile};

/// What a world file says; nothing without one.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    beginning: Vec<ModuleSetting>,
    changes: Vec<(Duration, WorldChange)>,
}

impl Surroundings {
    /// Reads and checks the file, if there is one.
    pub(crate) fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else { return Ok(Self::default()) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
        let WorldFile { beginning, changes } = WorldFile::parse(&name, &text)?;
        let changes = changes.iter().map(|(time, change)| (*time, world::change(change))).collect();
        let surroundings = Self { beginning, changes };
        // A profile that does not exist is found out before the first module is made.
        surroundings.begin(&mut Setup::new(0, 0, 0)).with_context(|| profile_place(&name, &text))?;
        Ok(surroundings)
    }

    /// Sets a module up.
    pub(crate) fn begin(&self, setup: &mut Setup) -> anyhow::Result<()> {
        for setting in &self.beginning {
            world::set_up(setup, setting)?;
        }
        Ok(())
    }

    /// Changes the surroundings of all modules when it is time; never ends.
    pub(crate) async fn go_on(self, modules: Vec<Handle>) {
        let start = Instant::now();
        for (time, change) in self.changes {
            // What is too far away never comes.
            let Some(then) = start.checked_add(time) else { break };
            sleep_until(then).await;
            for module in &modules {
                // One that has ended has no surroundings.
                let _ = module.world(change.clone()).await;
            }
        }
        pending::<()>().await;
    }
}

/// Where the file names its profile.
fn profile_place(file: &str, text: &str) -> String {
    let mut lines = text.lines().zip(1..);
    let place = lines.find_map(|(line, number)| {
        let blanks = line.chars().take_while(|c| c.is_whitespace()).count();
        let rest = line.trim_start().strip_prefix("profile")?;
        let name = rest.trim_start();
        let column = blanks + "profile".len() + (rest.len() - name.len()) + 1;
        (name.len() < rest.len()).then(|| format!("{file}:{number}:{column}"))
    });
    place.unwrap_or_else(|| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Surroundings> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("world");
        std::fs::write(&path, text).unwrap();
        Surroundings::read(Some(&path))
    }

    #[test]
    fn a_file_sets_modules_up() {
        let file = read("# a bad day\ncard in pin 1234\naccount arrears\nprofile air724ug-no-ssl\n").unwrap();
        let mut setup = Setup::new(0, 0, 0);
        file.begin(&mut setup).unwrap();
        let card = setup.world.card.unwrap();
        assert_eq!((card.pin.as_deref(), card.account), (Some("1234"), modem::Account::Arrears));
        assert!(!setup.profile.ssl);
        assert!(file.changes.is_empty());
    }

    #[test]
    fn faults_name_the_file_and_the_place() {
        let missing = Surroundings::read(Some(Path::new("/nowhere/world"))).unwrap_err();
        assert_eq!(missing.to_string(), "cannot read /nowhere/world");
        let wrong = read("rssi 24\nrssi 40\n").unwrap_err().to_string();
        assert!(wrong.ends_with("world:2:6: here stands a signal of 0 to 31, or 99"), "{wrong}");
        let unknown = format!("{:#}", read("rssi 3\n  profile  sim800\n").unwrap_err());
        assert!(
            unknown.ends_with(
                "world:2:12: there is no profile called sim800; there are air724ug and air724ug-no-ssl"
            ),
            "{unknown}"
        );
    }
}
