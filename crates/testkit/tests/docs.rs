//! The examples in docs/transcripts.md are true.

use modemtwin_testkit::check_str;
use transcript::Transcript;

const PAGE: &str = include_str!("../../../docs/transcripts.md");

/// Fenced blocks with this language, and the line on which each begins.
fn blocks(language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = PAGE.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            if info == language {
                blocks.push((number + 1, text.join("\n") + "\n"));
            }
        }
    }
    blocks
}

#[test]
fn examples_run() {
    let blocks = blocks("at");
    assert!(blocks.len() >= 6, "{}", blocks.len());
    for (line, text) in blocks {
        if let Err(failures) = check_str(&text) {
            panic!("the example at line {line}: {failures}");
        }
    }
}

#[test]
fn outlines_parse() {
    for (line, text) in blocks("at parse") {
        if let Err(error) = Transcript::parse("example", &text) {
            panic!("the example at line {line}: {error}");
        }
    }
}
