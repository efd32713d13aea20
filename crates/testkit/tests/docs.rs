//! The examples in docs/transcripts.md are true.

use modemtwin_testkit::check_str;

const PAGE: &str = include_str!("../../../docs/transcripts.md");

/// Transcripts in fenced blocks, and the line on which each begins.
fn blocks() -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = PAGE.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            if info == "at" {
                blocks.push((number + 1, text.join("\n") + "\n"));
            }
        }
    }
    blocks
}

#[test]
fn examples_run() {
    let blocks = blocks();
    assert!(blocks.len() >= 6, "{}", blocks.len());
    for (line, text) in blocks {
        if let Err(failures) = check_str(&text) {
            panic!("the example at line {line}: {failures}");
        }
    }
}
