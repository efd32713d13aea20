//! Steps that begin with `@`.

use super::scan::{Fault, Scan};
use super::{LINE_RANGE, MOST_LINES, Parser, query, sms, world};
use crate::outside::{ModuleSetting, StoreStep};
use crate::pattern::Template;
use crate::step::{Action, Contents, Payload};

const ALLOWED: &str = "there are @title @covers @line @echo @within @wait @silence @file @set @module @boot @world @dns @peer \
                       @query @sms @store @stall @dtr @line-setting @note @power @restart @rest";
const TOO_LATE: &str = "this has to stand before the first step in which something happens";

impl Parser {
    /// Reads a directive; `None` when it only concerns the parser.
    pub(super) fn directive(&mut self, scan: &mut Scan<'_>) -> Result<Option<Action>, Fault> {
        let start = scan.at();
        let action = match scan.word() {
            "@title" => {
                scan.blanks();
                return Ok(Some(Action::Title(scan.rest().trim_end().into())));
            }
            "@covers" => {
                self.covers.push(scan.some_word("a row of docs/behaviour")?.into());
                self.covers.extend(scan.rest().split_whitespace().map(String::from));
                None
            }
            "@note" => {
                scan.blanks();
                let at = scan.at();
                let text = scan.rest().trim_end();
                if text.is_empty() {
                    return Err(Fault::new(at, "the words that the explanation has to have are missing"));
                }
                return Ok(Some(Action::Note(text.into())));
            }
            "@set" => {
                let name = scan.name()?;
                scan.blanks();
                let at = scan.at();
                let value = Template::parse(scan.rest().trim_end(), false)
                    .map_err(|(index, message)| Fault::new(at + index, message))?;
                return Ok(Some(Action::Set { name, value }));
            }
            "@line" => {
                self.line = scan.value(LINE_RANGE, |w| w.parse().ok().filter(|&n| n < MOST_LINES))?;
                self.uses(self.line);
                None
            }
            "@echo" => {
                if scan.switch()? {
                    self.silent.remove(&self.line);
                } else {
                    self.silent.insert(self.line);
                }
                None
            }
            "@module" => {
                if self.begun {
                    return Err(Fault::new(start, TOO_LATE));
                }
                let setting = world::setting(scan)?;
                if let ModuleSetting::Line { line, .. } = setting {
                    self.uses(line);
                }
                self.settings.push(setting);
                None
            }
            "@boot" => {
                if self.begun {
                    return Err(Fault::new(start, TOO_LATE));
                }
                self.cold = scan.value("cold or warm", cold)?;
                None
            }
            "@within" => Some(Action::Within(scan.duration()?)),
            "@wait" => Some(Action::Wait(scan.duration()?)),
            "@silence" => Some(Action::Silence { line: self.uses(self.line), time: scan.duration()? }),
            "@file" => Some(file(scan)?),
            "@world" => Some(Action::World(world::change(scan)?)),
            "@dns" => {
                let name = scan.some_word("the name")?.into();
                Some(Action::Dns { name, answer: world::dns_answer(scan)? })
            }
            "@peer" => Some(world::peer(scan)?),
            "@query" => Some(query::query(scan)?),
            "@sms" => Some(sms::sms(scan)?),
            "@store" => Some(Action::Store(store(scan)?)),
            "@stall" => Some(Action::Stall { line: self.uses(self.line), on: scan.switch()? }),
            "@dtr" => {
                let on = scan.switch()?;
                Some(Action::Dtr { line: self.uses(self.line), on })
            }
            "@line-setting" => {
                let setting = world::line_setting(scan)?;
                Some(Action::LineSetting { line: self.uses(self.line), setting })
            }
            "@power" => {
                let restarting = scan.value("off or restart", |word| match word {
                    "off" => Some(false),
                    "restart" => Some(true),
                    _ => None,
                })?;
                Some(Action::Power { restarting })
            }
            "@restart" => {
                let cold = scan.value("cold, warm or nothing", |word| {
                    if word.is_empty() { Some(false) } else { cold(word) }
                })?;
                Some(Action::Restart { cold })
            }
            "@rest" => {
                scan.value("any", |word| (word == "any").then_some(()))?;
                Some(Action::RestAny)
            }
            _ => return Err(Fault::new(start, ALLOWED)),
        };
        scan.end()?;
        Ok(action)
    }
}

fn cold(word: &str) -> Option<bool> {
    match word {
        "cold" => Some(true),
        "warm" => Some(false),
        _ => None,
    }
}

fn file(scan: &mut Scan<'_>) -> Result<Action, Fault> {
    let name = scan.name()?;
    scan.blanks();
    if scan.skip("=") {
        let path = scan.some_word("the path")?.into();
        return Ok(Action::File { name, contents: Contents::Path(path) });
    }
    Ok(Action::File { name, contents: Contents::Here(scan.payload()?) })
}

fn store(scan: &mut Scan<'_>) -> Result<StoreStep<Payload>, Fault> {
    let at = scan.next_at();
    Ok(match scan.word() {
        "put" => StoreStep::Put { path: scan.some_word("the path")?.into(), contents: scan.payload()? },
        "has" => StoreStep::Has { path: scan.some_word("the path")?.into(), contents: scan.payload()? },
        "lacks" => StoreStep::Lacks { path: scan.some_word("the path")?.into() },
        "fails" => StoreStep::Fails(scan.switch()?),
        "hold" => StoreStep::Hold(scan.switch()?),
        _ => return Err(Fault::new(at, "there are @store put, has, lacks, fails and hold")),
    })
}
