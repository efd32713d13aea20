//! `cargo xtask coverage`: which rows of `docs/behaviour` some test shows.
//!
//! A row is a line of a table, ``| `id` | what the module does | evidence |``. The evidence may be followed by
//! `; not shown: why`. A test shows rows by `@covers id …`: as a step in a transcript, in a comment in Rust and Python.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run;

const PAGES: &str = "docs/behaviour";
const EVIDENCE: &[&str] = &["captured", "documented", "standard", "assumed"];

/// Counts, prints, and lists every row that nothing shows.
///
/// # Errors
/// A page cannot be read; a row appears twice; a test names a row that there is not; a row that nothing shows gives no
/// reason, or one that is shown does.
pub(crate) fn run() -> Result<()> {
    let root = run::root();
    let mut pages = Vec::new();
    for path in files(&root.join(PAGES), "md")? {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
        pages.push(Page { rows: rows(&name, &text)?, name });
    }
    let mut tags = Vec::new();
    let places = [("crates", "at", ""), ("crates", "rs", "//"), ("e2e", "at", ""), ("e2e", "py", "#")];
    for (directory, extension, comment) in places {
        for path in files(&root.join(directory), extension)? {
            let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {name}"))?;
            tags.extend(tagged(&name, &text, comment));
        }
    }
    let (report, faults) = compare(&pages, &tags);
    print!("{report}");
    if !faults.is_empty() {
        bail!("{}", faults.join("\n       "));
    }
    Ok(())
}

/// One file of `docs/behaviour`.
struct Page {
    name: String,
    rows: Vec<Row>,
}

#[derive(Debug, PartialEq, Eq)]
struct Row {
    id: String,
    /// Why no test shows it.
    not_shown: Option<String>,
}

/// A test says that it shows a row.
#[derive(Debug, PartialEq, Eq)]
struct Tag {
    id: String,
    place: String,
}

/// All files below `directory` with this extension, in order; build results and hidden directories are left out.
fn files(directory: &Path, extension: &str) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("cannot read {}", directory.display()))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && name != "target" {
            found.extend(files(&path, extension)?);
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn rows(page: &str, text: &str) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("| `") {
            rows.push(row(line).with_context(|| format!("{page}:{number}: this is no row"))?);
        }
    }
    Ok(rows)
}

fn row(line: &str) -> Result<Row> {
    // A `|` inside a cell is written `\|`.
    let line = line.replace("\\|", "/");
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let ["", id, behaviour, evidence, ""] = cells.as_slice() else {
        bail!("three cells are wanted: `id`, what the module does, evidence");
    };
    if behaviour.is_empty() {
        bail!("what the module does is missing");
    }
    let id = id.trim_matches('`');
    if !id.contains('.') || !id.split('.').all(is_word) {
        bail!("`{id}` is no id: lower-case words and digits, joined by dots");
    }
    let (word, reason) = match evidence.split_once(';') {
        None => (*evidence, None),
        Some((word, reason)) => match reason.trim().strip_prefix("not shown: ") {
            Some(reason) if !reason.is_empty() => (word, Some(reason.to_owned())),
            _ => bail!("`not shown: why` is wanted behind the evidence"),
        },
    };
    if !EVIDENCE.contains(&word) {
        bail!("the evidence is one of {}", EVIDENCE.join(", "));
    }
    Ok(Row { id: id.to_owned(), not_shown: reason })
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The rows that a test names; `comment` is what stands in front of `@covers` there.
fn tagged(file: &str, text: &str, comment: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let ids = line
            .trim_start()
            .strip_prefix(comment)
            .and_then(|rest| rest.trim_start().strip_prefix("@covers"))
            .filter(|rest| rest.starts_with(char::is_whitespace));
        for id in ids.into_iter().flat_map(str::split_whitespace) {
            tags.push(Tag { id: id.to_owned(), place: format!("{file}:{number}") });
        }
    }
    tags
}

/// What to print, and what is wrong.
fn compare(pages: &[Page], tags: &[Tag]) -> (String, Vec<String>) {
    let mut faults = Vec::new();
    let mut known = BTreeMap::new();
    for page in pages {
        for row in &page.rows {
            if let Some(other) = known.insert(row.id.as_str(), page.name.as_str()) {
                faults.push(format!("{}: row {} is in {other} already", page.name, row.id));
            }
        }
    }
    for tag in tags.iter().filter(|tag| !known.contains_key(tag.id.as_str())) {
        faults.push(format!("{}: there is no row {}", tag.place, tag.id));
    }
    let shown: BTreeSet<&str> = tags.iter().map(|tag| tag.id.as_str()).collect();

    let mut report = String::new();
    let (mut covered, mut all, mut unexplained) = (0, 0, 0);
    for page in pages {
        let missing: Vec<&Row> = page.rows.iter().filter(|row| !shown.contains(row.id.as_str())).collect();
        let count = page.rows.len() - missing.len();
        let _ = writeln!(report, "{}: {count} of {} rows covered", page.name, page.rows.len());
        for row in missing {
            let reason = row.not_shown.as_deref().unwrap_or("NO TEST, NO REASON");
            let _ = writeln!(report, "  {}: {reason}", row.id);
            unexplained += usize::from(row.not_shown.is_none());
        }
        for row in page.rows.iter().filter(|row| row.not_shown.is_some() && shown.contains(row.id.as_str())) {
            faults
                .push(format!("{}: row {} says why it is not shown, but a test shows it", page.name, row.id));
        }
        covered += count;
        all += page.rows.len();
    }
    if unexplained > 0 {
        faults.push(format!("{unexplained} rows have neither a test nor a reason"));
    }
    let _ = writeln!(report, "in all: {covered} of {all} rows covered");
    (report, faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> Vec<Page> {
        vec![Page { name: "p.md".into(), rows: rows("p.md", text).unwrap() }]
    }

    fn tags(text: &str) -> Vec<Tag> {
        tagged("t.at", text, "")
    }

    #[test]
    fn rows_are_the_lines_with_an_id() {
        let text = "# Title\n| Row | What | Evidence |\n|---|---|---|\n| `gen.at` | OK. | captured |\n\
                    | 0, 1 | no row |\n| `gen.a-b.2` | a \\| b | assumed; not shown: it is too quick |\n";
        let expected = vec![
            Row { id: "gen.at".into(), not_shown: None },
            Row { id: "gen.a-b.2".into(), not_shown: Some("it is too quick".into()) },
        ];
        assert_eq!(rows("p.md", text).unwrap(), expected);
    }

    #[test]
    fn a_malformed_row_is_reported_with_its_place() {
        for bad in [
            "| `gen.at` | OK. |",
            "| `gen.at` |  | captured |",
            "| `gen` | OK. | captured |",
            "| `Gen.at` | OK. | captured |",
            "| `gen..at` | OK. | captured |",
            "| `gen.at` | OK. | guessed |",
            "| `gen.at` | OK. | captured; why |",
            "| `gen.at` | OK. | captured; not shown: |",
        ] {
            let error = rows("p.md", &format!("\n{bad}\n")).unwrap_err();
            assert!(format!("{error}").starts_with("p.md:2:"), "{bad}: {error:#}");
        }
    }

    #[test]
    fn tags_stand_in_transcripts_and_comments() {
        let tag = |id: &str, place: &str| Tag { id: id.into(), place: place.into() };
        assert_eq!(
            tags("@title x\n  @covers a.b c.d\n# @covers e.f\n> @covers g.h\n"),
            [tag("a.b", "t.at:2"), tag("c.d", "t.at:2")]
        );
        let rust = "    // @covers a.b\nlet text = \"@covers c.d\";\n// @coversnot e.f\n";
        assert_eq!(tagged("t.rs", rust, "//"), [tag("a.b", "t.rs:1")]);
        assert_eq!(tagged("t.py", "# @covers a.b\n@covers c.d\n", "#"), [tag("a.b", "t.py:1")]);
    }

    #[test]
    fn everything_covered_or_with_a_reason_is_no_fault() {
        let pages = page("| `a.a` | x | captured |\n| `a.b` | x | assumed; not shown: no way |\n");
        let (report, faults) = compare(&pages, &tags("@covers a.a\n@covers a.a\n"));
        assert_eq!(report, "p.md: 1 of 2 rows covered\n  a.b: no way\nin all: 1 of 2 rows covered\n");
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn faults_are_unknown_twofold_unexplained_and_stale() {
        let pages = page(
            "| `a.a` | x | captured |\n| `a.a` | x | captured |\n| `a.b` | x | captured |\n\
             | `a.c` | x | captured; not shown: no way |\n",
        );
        let (report, faults) = compare(&pages, &tags("@covers a.a a.c\n@covers z.z\n"));
        assert_eq!(
            faults,
            [
                "p.md: row a.a is in p.md already",
                "t.at:2: there is no row z.z",
                "p.md: row a.c says why it is not shown, but a test shows it",
                "1 rows have neither a test nor a reason",
            ]
        );
        assert!(report.contains("  a.b: NO TEST, NO REASON\n"), "{report}");
    }
}
