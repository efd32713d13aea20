//! `modemtwin commands --markdown`: docs/commands.md, from the records.

use std::fmt::{self, Write};

use modem::{Command, Form};

/// What stands in front of the commands.
const HEAD: &str = "\
# Commands

Written by `cargo run -p modemtwin -- commands --markdown > docs/commands.md` from the commands' own records; a test compares. What a
host can observe beyond one command is in [behaviour](behaviour/general.md).

Each command has its forms as they are typed, with ranges and defaults; where it says *evidence*, *captured* means seen on a real
module, *documented* said by the vendor or by drivers written against the module, *standard* V.250 or TS 27.007, and *assumed* our
choice where nothing is known. Forms that are not there are answered ERROR. Examples begin on a registered module with echo off and are
run as tests; `\\r` and `\\n` are CR and LF.

`A/` repeats the last command line (V.250 5.2.4), and a bare `AT` is OK; neither has a record.
";

/// The whole page.
pub(super) fn page() -> String {
    let mut page = String::from(HEAD);
    // Writing into a String cannot fail.
    let _ = body(&mut page);
    page
}

fn body(page: &mut String) -> fmt::Result {
    let mut last = "";
    writeln!(page)?;
    for (family, command) in modem::commands() {
        let name = title(command);
        if family != last {
            let end = if last.is_empty() { "" } else { "\n" };
            write!(page, "{end}- **{family}**: ")?;
            last = family;
        } else {
            write!(page, ", ")?;
        }
        write!(page, "`{name}`")?;
    }
    writeln!(page)?;
    last = "";
    for (family, command) in modem::commands() {
        if family != last {
            writeln!(page, "\n## {family}")?;
            last = family;
        }
        one(page, command)?;
    }
    Ok(())
}

fn title(command: &Command) -> String {
    format!("AT{}", command.name)
}

fn one(page: &mut String, command: &Command) -> fmt::Result {
    writeln!(page, "\n### `{}`\n\n{}.\n", title(command), plain(command.summary))?;
    writeln!(page, "```text")?;
    for syntax in command.syntax {
        writeln!(page, "{syntax}")?;
    }
    writeln!(page, "```\n")?;
    let forms: Vec<&str> = command.forms().into_iter().map(spell).collect();
    writeln!(page, "- Forms: {}", forms.join(", "))?;
    writeln!(page, "- Needs: {}", if command.needs_card { "a card that is ready" } else { "nothing" })?;
    writeln!(page, "- Answers within: {} s", f64::from(command.longest) / 1000.0)?;
    writeln!(page, "- Evidence: {} ({})", command.evidence.word(), plain(command.reference))?;
    if !command.remarks.is_empty() {
        writeln!(page, "- Remarks: {}", plain(command.remarks))?;
    }
    if command.examples.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n```text")?;
    for (index, example) in command.examples.iter().enumerate() {
        if index > 0 {
            writeln!(page)?;
        }
        for before in example.before {
            writeln!(page, "> {}", transcript::escape(before.as_bytes()))?;
        }
        writeln!(page, "> {}", transcript::escape(example.send.as_bytes()))?;
        writeln!(page, "{}", format!("< {}", transcript::escape(example.answer.as_bytes())).trim_end())?;
    }
    writeln!(page, "```")
}

fn spell(form: Form) -> &'static str {
    match form {
        Form::Execute => "execute",
        Form::Read => "read (`?`)",
        Form::Set => "set (`=`)",
        Form::Test => "test (`=?`)",
    }
}

/// Text in which nothing means anything to Markdown.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '|' | '#') {
            plain.push('\\');
        }
        plain.push(character);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/commands.md");
        let there = std::fs::read_to_string(path).unwrap_or_default();
        let first = there.lines().zip(page().lines()).position(|(is, should)| is != should);
        assert!(
            there == page(),
            "docs/commands.md is not what the records say (line {:?} differs first); to write it anew:\n\
             cargo run -p modemtwin -- commands --markdown > docs/commands.md",
            first.map(|line| line + 1)
        );
    }

    #[test]
    fn every_command_has_its_place() {
        let page = page();
        for (_, command) in modem::commands() {
            let heading = format!("\n### `AT{}`\n", command.name);
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
    }

    #[test]
    fn text_means_nothing_to_markdown() {
        assert_eq!(plain("a <b> *c* d_e"), "a \\<b\\> \\*c\\* d\\_e");
    }
}
