//! World files: the words of `@world` and `@module`, one line each.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scan::{Fault, Scan};
use super::{ParseError, lines, world};
use crate::outside::{ModuleSetting, World};

/// A module's surroundings, and how they change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorldFile {
    /// At the beginning, in the order of the file.
    pub beginning: Vec<ModuleSetting>,
    /// What changes, by the time since the beginning; at the same time in the order of the file.
    pub changes: Vec<(Duration, World)>,
}

impl WorldFile {
    /// Reads `text`; `name` is what reports call it, such as its path.
    ///
    /// # Errors
    ///
    /// The first fault in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, ParseError> {
        let mut file = Self::default();
        let mut given = BTreeMap::new();
        lines(name, text, |number, line| file.line(&mut given, number, line))?;
        file.changes.sort_by_key(|(time, _)| *time);
        // What is said about an account concerns the card that is in, wherever it stands.
        file.beginning.sort_by_key(|setting| !matches!(setting, ModuleSetting::World(World::Card(_))));
        Ok(file)
    }

    fn line(
        &mut self,
        given: &mut BTreeMap<&'static str, usize>,
        number: usize,
        text: &str,
    ) -> Result<(), Fault> {
        const ALLOWED: &str = "there are power, profile, card, account, rssi, coverage, time, boot, card-start, attach, bearer, \
                               apn, dns, private-servers and messages, and after TIME with one of these or bearer lost, \
                               power-key or reset";
        let mut scan = Scan::new(text);
        let at = scan.next_at();
        if matches!(scan.peek(), None | Some('#')) {
            return Ok(());
        }
        let word = scan.word();
        if word == "after" {
            let time = scan.duration()?;
            let at = scan.next_at();
            let word = scan.word();
            let change = world::surroundings(word, &mut scan)?.ok_or_else(|| Fault::new(at, ALLOWED))?;
            scan.end()?;
            self.changes.push((time, change));
            return Ok(());
        }
        let (key, setting) = match word {
            "power" => ("power", ModuleSetting::Power(scan.switch()?)),
            "profile" => ("profile", ModuleSetting::Profile(scan.some_word("the profile's name")?.into())),
            word => {
                let change = world::surroundings(word, &mut scan)?.ok_or_else(|| Fault::new(at, ALLOWED))?;
                if change.passes() {
                    return Err(Fault::new(at, "this only happens: write after and a time in front of it"));
                }
                (change.key(), ModuleSetting::World(change))
            }
        };
        scan.end()?;
        if let Some(earlier) = given.insert(key, number) {
            return Err(Fault::new(
                at,
                format!("{key} stands in line {earlier} already; a change has after and a time"),
            ));
        }
        self.beginning.push(setting);
        Ok(())
    }
}
