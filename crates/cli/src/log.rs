//! The log, on standard error: one readable line for each thing that happened; on a terminal broken at blanks.

use std::fmt::{self, Write as _};
use std::io;
use std::time::Instant;

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::Log;
use crate::screen::{terminal_width, wrap};

/// The target of explanations: why a command was refused, why a connect failed, who was verified.
const EXPLAIN: &str = "explain";
/// The target of the lab's connections.
const LAB: &str = "lab";

/// Begins to log. A second call does nothing.
pub(crate) fn start(options: Log) {
    let lines = Lines { since: Instant::now(), width: terminal_width };
    // As for everything else that is printed: NO_COLOR, TERM=dumb and their like have a say.
    let colours = AutoStream::choice(&io::stderr()) != ColorChoice::Never;
    let layer =
        tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(colours).event_format(lines);
    let _ = tracing_subscriber::registry().with(filter(options)).with(layer).try_init();
}

/// What is shown: explanations by default, nothing but failures of the twin itself when quiet.
fn filter(options: Log) -> Targets {
    let (rest, explanations) = match (options.quiet, options.verbose) {
        (true, _) => (LevelFilter::ERROR, LevelFilter::ERROR),
        (false, 0) => (LevelFilter::WARN, LevelFilter::INFO),
        (false, 1) => (LevelFilter::DEBUG, LevelFilter::DEBUG),
        (false, _) => (LevelFilter::TRACE, LevelFilter::TRACE),
    };
    Targets::new()
        .with_default(rest)
        .with_target(EXPLAIN, explanations)
        .with_target(LAB, explanations)
        // The runtime's own events say nothing about a module.
        .with_target("tokio", rest.min(LevelFilter::WARN))
        .with_target("mio", rest.min(LevelFilter::WARN))
}

/// Where the text begins: behind the seconds and a blank.
const INDENT: usize = 10;

/// `   1.234 modem0: text (field value)`.
struct Lines {
    since: Instant,
    /// How wide a line may be; `None`: as long as it is.
    width: fn() -> Option<usize>,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (word, style) = match *event.metadata().level() {
            Level::ERROR => ("error: ", AnsiColor::Red.on_default().bold()),
            Level::WARN => ("warning: ", AnsiColor::Yellow.on_default()),
            Level::INFO => ("", Style::new()),
            Level::DEBUG | Level::TRACE => ("", Style::new().dimmed()),
        };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = String::new();
        if let Some(scope) = context.event_scope() {
            for span in scope.from_root() {
                write!(line, "{}: ", span.name())?;
            }
        }
        let Fields { subject, text, rest } = fields;
        if let Some(subject) = subject {
            write!(line, "{subject}: ")?;
        }
        if writer.has_ansi_escapes() && !word.is_empty() {
            write!(line, "{style}{}{style:#} ", word.trim_end())?;
        } else {
            write!(line, "{word}")?;
        }
        write!(line, "{text}")?;
        if !rest.is_empty() {
            write!(line, " ({rest})")?;
        }
        write!(writer, "{:9.3} ", self.since.elapsed().as_secs_f64())?;
        let Some(width) = (self.width)() else { return writeln!(writer, "{line}") };
        for (index, part) in wrap(&line, width - INDENT).iter().enumerate() {
            let indent = if index == 0 { 0 } else { INDENT };
            writeln!(writer, "{:indent$}{part}", "")?;
        }
        Ok(())
    }
}

/// An event's fields: whom it is about, the sentence, and everything else.
#[derive(Default)]
struct Fields {
    subject: Option<String>,
    text: String,
    rest: String,
}

impl Fields {
    fn add(&mut self, field: &Field, value: String) {
        // A line of the log is a line, whatever a peer has put into its names.
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        match field.name() {
            "message" => self.text = value,
            "module" => self.subject = Some(value),
            name => {
                if !self.rest.is_empty() {
                    self.rest.push_str(", ");
                }
                self.rest.push_str(name);
                self.rest.push(' ');
                self.rest.push_str(&value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(options: Log, say: impl FnOnce()) -> String {
        logged_on(|| None, false, options, say)
    }

    fn logged_on(width: fn() -> Option<usize>, colours: bool, options: Log, say: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || writer.clone())
            .with_ansi(colours)
            .event_format(Lines { since: Instant::now(), width });
        tracing::subscriber::with_default(
            tracing_subscriber::registry().with(filter(options)).with(layer),
            say,
        );
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn talk() {
        tracing::info!(target: "explain", module = "modem0", link = 0, "the key does not fit");
        tracing::info!("chatter");
        tracing::warn!("the line is slow");
        tracing::error!("the line is gone");
        tracing::debug!("detail");
    }

    #[test]
    fn explanations_are_shown_and_chatter_is_not() {
        let text = logged(Log::default(), talk);
        assert!(text.contains("modem0: the key does not fit (link 0)\n"), "{text}");
        assert!(text.contains("warning: the line is slow\n"), "{text}");
        assert!(text.contains("error: the line is gone\n"), "{text}");
        assert!(!text.contains("chatter"), "{text}");
    }

    #[test]
    fn quiet_and_verbose_change_that() {
        let text = logged(Log { quiet: true, verbose: 0 }, talk);
        assert_eq!(text.lines().count(), 1, "{text}");
        let text = logged(Log { quiet: false, verbose: 1 }, talk);
        assert_eq!(text.lines().count(), 5, "{text}");
    }

    #[test]
    fn a_terminal_gets_lines_that_fit() {
        let say =
            || tracing::warn!(module = "modem0", "one two three four five six seven eight nine ten eleven");
        for colours in [false, true] {
            let text = logged_on(|| Some(40), colours, Log::default(), say);
            let text = anstream::adapter::strip_str(&text).to_string();
            let lines: Vec<&str> = text.lines().map(|line| &line[INDENT..]).collect();
            assert_eq!(
                lines,
                ["modem0: warning: one two three", "four five six seven eight nine", "ten eleven"]
            );
        }
    }

    #[test]
    fn one_event_is_one_line() {
        let text =
            logged(Log::default(), || tracing::warn!(target: "explain", "CN=evil\nerror: forged\x1b[2J"));
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
