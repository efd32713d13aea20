//! `modemtwin commands`: what the module understands, from its own records.

mod markdown;

use std::io::Write;

use anyhow::bail;
use modem::{Command, Form};

use crate::args::{Commands, Usage};
use crate::screen::{STRONG, WIDTH, field, stdout, wrap};

/// Where the text behind a label begins.
const INDENT: usize = 14;

/// Where the evidence and the summary of a listed command begin.
const FORMS: usize = 18;
const EVIDENCE: usize = 28;
const SUMMARY: usize = 40;
/// How wide the columns in between are.
const OF_FORMS: usize = EVIDENCE - FORMS;
const OF_EVIDENCE: usize = SUMMARY - EVIDENCE;

/// Prints the list, or one command.
pub(crate) fn commands(options: &Commands) -> anyhow::Result<()> {
    let mut out = stdout();
    match &options.name {
        Some(name) => one(&mut out, name, options.family)?,
        None if options.markdown => out.write_all(markdown::page().as_bytes())?,
        None => list(&mut out, options.family)?,
    }
    out.flush()?;
    Ok(())
}

fn list(out: &mut impl Write, family: Option<&str>) -> anyhow::Result<()> {
    let heading = format!("{:FORMS$}{:OF_FORMS$}{:OF_EVIDENCE$}SUMMARY", "COMMAND", "FORMS", "EVIDENCE");
    writeln!(out, "{STRONG}{heading}{STRONG:#}")?;
    let mut last = "";
    let mut count = 0;
    for (name, command) in modem::commands().filter(|(name, _)| family.is_none_or(|only| only == *name)) {
        if name != last {
            writeln!(out, "\n{STRONG}{name}{STRONG:#}")?;
            last = name;
        }
        count += 1;
        for line in row(command) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(
        out,
        "\n{count} commands. Forms: x execute, ? read, = set, =? test. Evidence: captured on a\n\
         real module, documented by its vendor, standard (V.250, TS 27.007), or assumed.\n\
         `modemtwin commands NAME` tells everything about one."
    )?;
    Ok(())
}

/// A command's line in the list, and the rest of its summary below.
fn row(command: &Command) -> Vec<String> {
    wrap(command.summary, WIDTH - SUMMARY)
        .into_iter()
        .enumerate()
        .map(|(index, summary)| {
            if index > 0 {
                return format!("{:SUMMARY$}{summary}", "");
            }
            let name = format!("  AT{}", command.name);
            let evidence = command.evidence.word();
            format!("{name:FORMS$}{:OF_FORMS$}{evidence:OF_EVIDENCE$}{summary}", forms(command))
        })
        .collect()
}

/// Which forms there are, each in its own column.
fn forms(command: &Command) -> String {
    let there = command.forms();
    let mark = |form, text: &'static str| if there.contains(&form) { text } else { " " };
    format!(
        "{} {} {} {}",
        mark(Form::Execute, "x"),
        mark(Form::Read, "?"),
        mark(Form::Set, "="),
        mark(Form::Test, "=?")
    )
}

fn one(out: &mut impl Write, typed: &str, family: Option<&str>) -> anyhow::Result<()> {
    if typed.eq_ignore_ascii_case("A/") {
        let text = "A/ is no command of its own but part of the line discipline (V.250, 5.2.4): sent without AT in front \
                    and without CR behind, it repeats the last command line.";
        for line in wrap(text, WIDTH) {
            writeln!(out, "{line}")?;
        }
        return Ok(());
    }
    let (exact, bare) = wanted(typed);
    let within = || modem::commands().filter(|(name, _)| family.is_none_or(|only| only == *name));
    // The prefix may be left out where that leaves no doubt: ATI and AT*I are two commands.
    let found = within()
        .find(|(_, command)| command.name == exact)
        .or_else(|| within().find(|(_, command)| without_prefix(command.name) == bare));
    let Some((family, command)) = found else {
        if let (Some(only), Some((real, command))) = (
            family,
            modem::commands()
                .find(|(_, command)| command.name == exact || without_prefix(command.name) == bare),
        ) {
            bail!(Usage(format!("AT{} is in the family {real}, not in {only}", command.name)));
        }
        let near = similar(&bare);
        let hint =
            if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        bail!(Usage(format!("there is no command {typed} (`modemtwin commands` lists all of them){hint}")));
    };
    writeln!(out, "{STRONG}AT{}{STRONG:#}  {}", command.name, command.summary)?;
    writeln!(out)?;
    for syntax in command.syntax {
        for line in form(syntax) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out)?;
    let limit = format!("at most {} s", f64::from(command.longest) / 1000.0);
    let card = if command.needs_card { "a card that is ready" } else { "nothing" };
    for (key, value) in [
        ("family", family),
        ("reference", command.reference),
        ("evidence", command.evidence.word()),
        ("answers in", &limit),
        ("needs", card),
        ("remarks", command.remarks),
    ] {
        if !value.is_empty() {
            field(out, INDENT, key, value)?;
        }
    }
    for example in command.examples {
        writeln!(out)?;
        for before in example.before {
            writeln!(out, "  > {}", transcript::escape(before.as_bytes()))?;
        }
        writeln!(out, "  > {}", transcript::escape(example.send.as_bytes()))?;
        for (index, line) in answer(&transcript::escape(example.answer.as_bytes())).iter().enumerate() {
            writeln!(out, "  {} {line}", if index == 0 { "<" } else { " " })?;
        }
    }
    Ok(())
}

/// A form as it is typed, with its explanation behind it, or below where the line would be too long.
fn form(syntax: &str) -> Vec<String> {
    let line = format!("  {syntax}");
    if line.chars().count() <= WIDTH {
        return vec![line];
    }
    let (typed, meaning) = syntax.split_once("   ").unwrap_or((syntax, ""));
    // Parameters that may be left out go on below.
    let mut lines = pieces(&format!("  {typed}"), "[,", WIDTH - 6);
    for line in lines.iter_mut().skip(1) {
        line.insert_str(0, "      ");
    }
    if !meaning.is_empty() {
        lines.extend(wrap(meaning, WIDTH - 6).into_iter().map(|line| format!("      {line}")));
    }
    lines
}

/// An escaped answer; one that is too long for a line is broken in front of its own lines' ends, else of commas.
fn answer(escaped: &str) -> Vec<String> {
    let lines = pieces(escaped, r"\r\n", WIDTH - 4);
    lines.iter().flat_map(|line| pieces(line, ",", WIDTH - 4)).collect()
}

/// Breaks text in front of `mark`s into lines of at most `width` characters, as far as they suffice.
fn pieces(text: &str, mark: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = text;
    while !rest.is_empty() {
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(mark).map_or(rest.len(), |at| at + first);
        let (piece, behind) = rest.split_at(end);
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + piece.chars().count() > width {
            lines.push(piece.to_owned());
        } else {
            lines[last].push_str(piece);
        }
        rest = behind;
    }
    lines
}

/// The commands that share the longest beginning with what was typed, if it is at least three letters; three at most.
fn similar(bare: &str) -> Vec<String> {
    let shared = |name: &str| {
        without_prefix(name).chars().zip(bare.chars()).take_while(|(there, typed)| there == typed).count()
    };
    let longest = modem::commands().map(|(_, command)| shared(command.name)).max().unwrap_or(0);
    if longest < 3 {
        return Vec::new();
    }
    modem::commands()
        .filter(|(_, command)| shared(command.name) == longest)
        .map(|(_, command)| format!("AT{}", command.name))
        .take(3)
        .collect()
}

/// `at+cipstart`, `+CIPSTART`, `CIPSTART` and `AT+CIPSTART?` are the same command: its name as it was typed, and without
/// a prefix.
fn wanted(typed: &str) -> (String, String) {
    let name = typed.to_ascii_uppercase();
    let name = name.split(['=', '?']).next().unwrap_or_default();
    let exact = name.strip_prefix("AT").filter(|rest| !rest.is_empty()).unwrap_or(name);
    (exact.to_owned(), without_prefix(exact).to_owned())
}

fn without_prefix(name: &str) -> &str {
    name.trim_start_matches(['+', '^', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(print: impl FnOnce(&mut Vec<u8>) -> anyhow::Result<()>) -> String {
        let mut out = Vec::new();
        print(&mut out).unwrap();
        anstream::adapter::strip_bytes(&out).into_vec().try_into().unwrap()
    }

    #[test]
    fn the_list_has_every_command_and_fits_eighty_columns() {
        let list = printed(|out| list(out, None));
        for (family, command) in modem::commands() {
            let start = format!("  AT{} ", command.name);
            assert!(list.lines().any(|line| line.starts_with(&start)), "{family}: {start}");
        }
        for line in list.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn a_family_is_shown_alone() {
        let list = printed(|out| list(out, Some("ssl")));
        assert!(list.contains("AT+SSLCFG"));
        assert!(!list.contains("AT+FSWRITE"));
    }

    #[test]
    fn a_command_is_found_however_it_is_typed() {
        for typed in ["sslcfg", "+SSLCFG", "at+sslcfg", "AT+SSLCFG=?"] {
            let page = printed(|out| one(out, typed, None));
            assert!(page.starts_with("AT+SSLCFG"), "{typed}: {page}");
        }
        for typed in ["E", "ATE", "&f"] {
            one(&mut Vec::new(), typed, None).expect(typed);
        }
    }

    #[test]
    fn every_command_has_a_page_of_eighty_columns() {
        for (_, command) in modem::commands() {
            let page = printed(|out| one(out, command.name, None));
            assert!(page.starts_with(&format!("AT{} ", command.name)), "{page}");
            for line in page.lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
    }

    #[test]
    fn a_command_of_another_family_is_not_called_unknown() {
        let error = one(&mut Vec::new(), "CIPSTART", Some("ssl")).expect_err("another family").to_string();
        assert_eq!(error, "AT+CIPSTART is in the family socket, not in ssl");
    }

    #[test]
    fn repeating_is_explained() {
        let page = printed(|out| one(out, "a/", None));
        assert!(page.contains("line discipline"), "{page}");
    }

    #[test]
    fn an_unknown_command_is_a_mistake_on_the_command_line() {
        for (typed, family) in [("XYZ", None), ("CIPSTART", Some("ssl"))] {
            assert!(one(&mut Vec::new(), typed, family).expect_err(typed).is::<Usage>());
        }
    }

    #[test]
    fn an_unknown_command_is_an_error_with_a_hint() {
        let error = one(&mut Vec::new(), "SSLCONF", None).expect_err("no such command").to_string();
        assert!(error.contains("+SSLCFG"), "{error}");
        let error = one(&mut Vec::new(), "CIPSTAR", None).expect_err("no such command").to_string();
        assert!(error.contains("did you mean AT+CIPSTART?"), "{error}");
        let error = one(&mut Vec::new(), "XYZ", None).expect_err("no such command").to_string();
        assert!(!error.contains("did you mean"), "{error}");
        one(&mut Vec::new(), "é", None).expect_err("no such command");
        one(&mut Vec::new(), "1é", None).expect_err("no such command");
    }
}
