//! Text for people: 80 columns, colours where they are welcome.

use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

/// The widest line that is printed on purpose.
pub(crate) const WIDTH: usize = 80;

/// What the host says.
pub(crate) const HOST: Style = AnsiColor::Cyan.on_default();
/// What the module says.
pub(crate) const MODULE: Style = AnsiColor::Green.on_default();
/// Headings, and what to type.
pub(crate) const STRONG: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Standard output. Colours are dropped unless it is a terminal, and where NO_COLOR says so.
pub(crate) fn stdout() -> impl Write {
    anstream::stdout()
}

/// A terminal that is narrower than this breaks lines itself.
const NARROWEST: u16 = 40;

/// How wide the terminal of standard error is now; `None` if it is none, and what is one line has to stay one line.
pub(crate) fn terminal_width() -> Option<usize> {
    let error = io::stderr();
    if !error.is_terminal() {
        return None;
    }
    let columns = rustix::termios::tcgetwinsize(&error).ok()?.ws_col;
    (columns >= NARROWEST).then_some(columns.into())
}

/// Says something on standard error that is never to go unnoticed, whatever is logged.
pub(crate) fn shout(label: &str, text: &str) {
    let line = format!("{BAD}{label}{BAD:#} {text}");
    // Text of several lines has a layout of its own.
    let lines = match terminal_width().filter(|_| !text.contains('\n')) {
        Some(width) => wrap(&line, width),
        None => vec![line],
    };
    for line in lines {
        // Nothing is left to be done if this can't be printed; a closed standard error is the user's choice.
        let _ = writeln!(anstream::stderr(), "{line}");
    }
}

/// Whether an error only says that nobody reads on.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}

/// An error and its causes in one line; a cause that its effect has told already is not told again.
pub(crate) fn causes(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    // What a system says that has no descriptor left, however deep it is.
    if error.chain().any(|cause| cause.to_string().contains("Too many open files")) {
        text.push_str("; `ulimit -n` raises the limit, or fewer modules do with it");
    }
    text
}

/// Breaks text, which may be coloured, at blanks into lines of at most `width` characters; a word that is longer stands
/// alone.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let shown = |text: &str| anstream::adapter::strip_str(text).to_string().chars().count();
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if shown(line) + 1 + shown(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// A label, which may be coloured, and text behind it that begins at column `indent` on every line.
pub(crate) fn field(out: &mut impl Write, indent: usize, label: &str, text: &str) -> anyhow::Result<()> {
    let shown = anstream::adapter::strip_str(label).to_string().len();
    for (index, line) in wrap(text, WIDTH - indent).iter().enumerate() {
        let (label, shown) = if index == 0 { (label, shown) } else { ("", 0) };
        writeln!(out, "  {label}{:blank$}{line}", "", blank = indent.saturating_sub(2 + shown))?;
    }
    Ok(())
}

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_at_blanks() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensibilities a b", 5), ["incomprehensibilities", "a b"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::anyhow!("no such file").context("cannot read x: no such file").context("no line");
        assert_eq!(causes(&error), "no line: cannot read x: no such file");
    }

    #[test]
    fn who_is_out_of_descriptors_is_told_of_the_limit() {
        let out = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
        assert!(causes(&anyhow::Error::from(out).context("no line")).contains("ulimit -n"));
        assert!(!causes(&anyhow::anyhow!("no line")).contains("ulimit"));
    }

    #[test]
    fn a_broken_pipe_is_recognised_below_context() {
        let error = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("printing");
        assert!(is_broken_pipe(&error));
        assert!(!is_broken_pipe(&anyhow::anyhow!("broken pipe")));
    }
}
