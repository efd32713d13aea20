//! What came out, for people and for docs/performance.md.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use super::ROUND_TRIPS_PER_CYCLE;
use crate::run;

const BEGIN: &str = "<!-- bench:begin, written by `cargo xtask bench --write` -->";
const END: &str = "<!-- bench:end -->";
const PAGE: &str = "docs/performance.md";

/// At least this share of the bare responder's round trips.
const AT_BUDGET: f64 = 0.90;
/// At least this share of the possible TLS cycles.
const TLS_BUDGET: f64 = 0.85;

/// What was measured, in interleaved turns; all per second.
#[derive(Default)]
pub(super) struct Figures {
    /// AT round trips with the bare responder.
    pub(super) bare: Vec<f64>,
    /// AT round trips with the twin.
    pub(super) twin: Vec<f64>,
    /// Handshakes of `openssl s_time -new`.
    pub(super) s_time: Vec<f64>,
    /// Connect–send–close cycles over AT.
    pub(super) cycles: Vec<f64>,
}

impl Figures {
    /// The medians of AT so far.
    pub(super) fn at(&self) -> String {
        format!("{:.0} bare, {:.0} twin", median(&self.bare), median(&self.twin))
    }

    /// The medians of TLS so far.
    pub(super) fn tls(&self) -> String {
        format!("{:.0} s_time, {:.0} twin", median(&self.s_time), median(&self.cycles))
    }

    /// How many cycles there could be: each takes one handshake and the round trips.
    fn limit(&self) -> f64 {
        let seconds = 1.0 / median(&self.s_time) + f64::from(ROUND_TRIPS_PER_CYCLE) / median(&self.bare);
        1.0 / seconds
    }

    /// A Markdown table of medians, ratios and budgets, and the machine.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut row = |cells: [&str; 4]| {
            let _ = writeln!(text, "| {} | {} | {} | {} |", cells[0], cells[1], cells[2], cells[3]);
        };
        row(["What", "Per second (median)", "Middle half", "Ratio (budget)"]);
        row(["---", "---:", "---:", "---:"]);
        let (bare, twin, limit, cycles) =
            (median(&self.bare), median(&self.twin), self.limit(), median(&self.cycles));
        let shown = |figures: &[f64]| (format!("{:.0}", median(figures)), middle_half(figures));
        let ratio = |is: f64, budget: f64| format!("{is:.3} (≥ {budget:.2})");
        let (middle, ends) = shown(&self.bare);
        row(["AT round trips, bare C responder on a PTY", &middle, &ends, ""]);
        let (middle, ends) = shown(&self.twin);
        row(["AT round trips, the twin on a PTY", &middle, &ends, &ratio(twin / bare, AT_BUDGET)]);
        let (middle, ends) = shown(&self.s_time);
        row(["handshakes, `openssl s_time -new`", &middle, &ends, ""]);
        row(["limit: one handshake and four bare round trips", &format!("{limit:.0}"), "", ""]);
        let (middle, ends) = shown(&self.cycles);
        row(["TLS connect–send–close over AT, the twin", &middle, &ends, &ratio(cycles / limit, TLS_BUDGET)]);
        let _ = write!(
            text,
            "\n{} and {} interleaved measurements of each. {}\n",
            self.bare.len(),
            self.cycles.len(),
            machine()
        );
        text
    }
}

/// The middle one; of an even count, the mean of the two in the middle.
fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN);
    f64::midpoint(lower, upper)
}

/// From the first to the third quartile.
fn middle_half(figures: &[f64]) -> String {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |quarters: usize| sorted.get(sorted.len() * quarters / 4).copied().unwrap_or(f64::NAN);
    format!("{:.0} – {:.0}", at(1), at(3))
}

/// Cores, processor, kernel, and the openssl program that was measured against.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, name)| name);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let openssl = run::output(Command::new("openssl").arg("version")).unwrap_or_default();
    let openssl = openssl.split(" (").next().unwrap_or_default().trim();
    format!("Machine: {cores} cores, {model}, Linux {}, {openssl} on the other side.", kernel.trim())
}

/// Puts the table into the page, between its markers.
///
/// # Errors
/// The page, or a marker, is not there.
pub(super) fn write(table: &str) -> Result<()> {
    let path = run::root().join(PAGE);
    let page = fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let page = replaced(&page, table)?;
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))
}

fn replaced(page: &str, table: &str) -> Result<String> {
    let (before, rest) = page.split_once(BEGIN).with_context(|| format!("{PAGE} has no line {BEGIN}"))?;
    let (_, after) = rest.split_once(END).with_context(|| format!("{PAGE} has no line {END}"))?;
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_follow_an_outlier() {
        assert_eq!(median(&[3.0, 1.0, 1000.0]).to_bits(), 3.0_f64.to_bits());
        assert_eq!(median(&[4.0, 1.0, 2.0, 1000.0]).to_bits(), 3.0_f64.to_bits());
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_limit_is_a_handshake_and_four_round_trips() {
        let figures =
            Figures { bare: vec![4000.0], s_time: vec![1000.0], twin: vec![3600.0], cycles: vec![425.0] };
        assert!((figures.limit() - 500.0).abs() < 1e-9);
        let table = figures.table();
        assert!(table.contains("0.900 (≥ 0.90)") && table.contains("0.850 (≥ 0.85)"), "{table}");
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let page = format!("before\n{BEGIN}\nold\n{END}\nafter\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), format!("before\n{BEGIN}\nnew\n{END}\nafter\n"));
        assert!(replaced("nothing", "new").is_err());
    }
}
