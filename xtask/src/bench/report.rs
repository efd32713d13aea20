//! What came out, for people and for docs/performance.md.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result};

use super::{MODULES, ROUND_TRIPS_PER_CYCLE};
use crate::run;

const BEGIN: &str = "<!-- bench:begin, written by `cargo xtask bench --write` -->";
const END: &str = "<!-- bench:end -->";
const PAGE: &str = "docs/performance.md";

/// At least this share of the bare responder's round trips.
const AT_BUDGET: f64 = 0.90;
/// At least this share of the possible TLS cycles.
const TLS_BUDGET: f64 = 0.85;
/// At least this share of what does nothing but carry bytes into TLS and back, in transparent mode.
const BULK_BUDGET: f64 = 1.0;
/// At most so many KiB of resident memory for a module without a link, …
const IDLE_BUDGET: f64 = 8.0;
/// … and with one idle TLS link.
const LINKED_BUDGET: f64 = 40.0;

/// What was measured, in interleaved turns; rates are per second.
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
    /// Handshakes of many `openssl s_time -new` at once, in total.
    pub(super) many_s_time: Vec<f64>,
    /// Connect–send–close cycles over AT of as many modules, in total.
    pub(super) many_cycles: Vec<f64>,
    /// Bulk without encrypt-then-MAC.
    pub(super) bulk: Speeds,
    /// Bulk with it.
    pub(super) bulk_etm: Speeds,
    /// Resident memory.
    pub(super) memory: Vec<Memory>,
}

/// Who is compared in bulk, in this order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Multi,
    Transparent,
    Stunnel,
    SClient,
    TransparentPty,
    Socat,
}

impl Who {
    /// As tables call them.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Multi => "the twin in multi mode",
            Self::Transparent => "the twin in transparent mode",
            Self::Stunnel => "stunnel",
            Self::SClient => "`openssl s_client`",
            Self::TransparentPty => "the twin in transparent mode on a PTY",
            Self::Socat => "socat on a PTY",
        }
    }
}

/// Bulk through one TLS link, in MiB per second: who, up, down.
#[derive(Default)]
pub(super) struct Speeds(Vec<(Who, Vec<f64>, Vec<f64>)>);

impl Speeds {
    /// One more measurement.
    pub(super) fn add(&mut self, who: Who, up: f64, down: f64) {
        match self.0.iter_mut().find(|(known, ..)| *known == who) {
            Some((_, ups, downs)) => {
                ups.push(up);
                downs.push(down);
            }
            None => self.0.push((who, vec![up], vec![down])),
        }
    }

    /// The medians so far.
    pub(super) fn shown(&self) -> String {
        let one = |(who, up, down): &(Who, Vec<f64>, Vec<f64>)| {
            format!("{:.0} up {:.0} down {}", median(up), median(down), who.name())
        };
        self.0.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// How often it was measured.
    fn count(&self) -> usize {
        self.0.first().map_or(0, |(_, up, _)| up.len())
    }

    fn rows(&self, table: &mut Table, mac: &str) {
        for (way, up) in [("up", true), ("down", false)] {
            let figures = |who: Who| {
                let found = self.0.iter().find(|(known, ..)| *known == who);
                found.map(|(_, ups, downs)| if up { ups } else { downs })
            };
            for (who, ..) in &self.0 {
                let Some(is) = figures(*who) else { continue };
                let ratio = |(other, budget): &(Who, Option<f64>)| {
                    let ratio = median(is) / median(figures(*other)?);
                    let budget = budget.map_or_else(String::new, |budget| format!(" (≥ {budget:.1})"));
                    Some(format!("{ratio:.3} of {}{budget}", other.name()))
                };
                let ratios = compared(*who).iter().filter_map(ratio).collect::<Vec<_>>().join(", ");
                table.row(&format!("MiB {way}, {mac}, {}", who.name()), is, &ratios);
            }
        }
    }
}

/// Whom a side of bulk is compared with, and at least which share it has to reach.
fn compared(who: Who) -> &'static [(Who, Option<f64>)] {
    match who {
        Who::Multi => &[(Who::Stunnel, None), (Who::SClient, None)],
        Who::Transparent => &[(Who::Stunnel, Some(BULK_BUDGET)), (Who::SClient, None)],
        Who::TransparentPty => &[(Who::Socat, Some(BULK_BUDGET))],
        Who::Stunnel | Who::SClient | Who::Socat => &[],
    }
}

/// What of the resident memory falls on each of many modules, in KiB.
pub(super) struct Memory {
    /// How many modules.
    pub(super) modules: u32,
    /// Without a link.
    pub(super) idle: f64,
    /// With one idle TLS link.
    pub(super) linked: f64,
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

    /// The medians of many at once so far.
    pub(super) fn many(&self) -> String {
        format!("{:.0} s_time, {:.0} twin", median(&self.many_s_time), median(&self.many_cycles))
    }

    /// How many cycles there could be: each takes one handshake and the round trips.
    fn limit(&self) -> f64 {
        let seconds = 1.0 / median(&self.s_time) + f64::from(ROUND_TRIPS_PER_CYCLE) / median(&self.bare);
        1.0 / seconds
    }

    /// Markdown tables of medians, ratios and budgets, and the machine.
    pub(super) fn table(&self) -> String {
        let mut table = Table(String::new());
        table.head();
        let ratio = |is: f64, budget: f64| format!("{is:.3} (≥ {budget:.2})");
        let at = median(&self.twin) / median(&self.bare);
        table.row("AT round trips, bare C responder on a PTY", &self.bare, "");
        table.row("AT round trips, the twin on a PTY", &self.twin, &ratio(at, AT_BUDGET));
        table.row("handshakes, `openssl s_time -new`", &self.s_time, "");
        let limit = self.limit();
        table.cells(["limit: one handshake and four bare round trips", &format!("{limit:.0}"), "", ""]);
        let tls = median(&self.cycles) / limit;
        table.row("TLS connect–send–close over AT, the twin", &self.cycles, &ratio(tls, TLS_BUDGET));
        let many = median(&self.many_cycles) / median(&self.many_s_time);
        table.row(&format!("handshakes, {MODULES} × `openssl s_time -new` at once"), &self.many_s_time, "");
        let name = format!("TLS connect–send–close over AT, {MODULES} modules at once");
        table.row(&name, &self.many_cycles, &format!("{many:.3}"));
        bulk_rows(&mut table, &self.bulk, &self.bulk_etm);

        let mut text = table.0;
        let _ = writeln!(
            text,
            "\n| Resident memory per module, KiB (budget) | without a link | one idle TLS link |"
        );
        let _ = writeln!(text, "| --- | ---: | ---: |");
        for Memory { modules, idle, linked } in &self.memory {
            let _ = writeln!(
                text,
                "| {modules} modules in one process | {idle:.1} (≤ {IDLE_BUDGET:.0}) | {linked:.1} (≤ {LINKED_BUDGET:.0}) |"
            );
        }
        let _ = write!(
            text,
            "\nInterleaved measurements of each: {} of AT, {} of TLS, {} of many at once, {} of bulk. {}\n",
            self.bare.len(),
            self.cycles.len(),
            self.many_cycles.len(),
            self.bulk.count(),
            machine()
        );
        text
    }
}

/// The table of bulk alone.
pub(super) fn bulk_table([bulk, bulk_etm]: &[Speeds; 2]) -> String {
    let mut table = Table(String::new());
    table.head();
    bulk_rows(&mut table, bulk, bulk_etm);
    table.0
}

fn bulk_rows(table: &mut Table, bulk: &Speeds, bulk_etm: &Speeds) {
    bulk.rows(table, "MAC-then-encrypt");
    bulk_etm.rows(table, "encrypt-then-MAC");
}

/// A Markdown table with four columns.
struct Table(String);

impl Table {
    fn head(&mut self) {
        self.cells(["What", "Per second (median)", "Middle half", "Ratio (budget)"]);
        self.cells(["---", "---:", "---:", "---:"]);
    }

    fn cells(&mut self, cells: [&str; 4]) {
        let _ = writeln!(self.0, "| {} | {} | {} | {} |", cells[0], cells[1], cells[2], cells[3]);
    }

    fn row(&mut self, what: &str, figures: &[f64], ratio: &str) {
        self.cells([what, &format!("{:.0}", median(figures)), &middle_half(figures), ratio]);
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
    let stunnel = stunnel();
    format!(
        "Machine: {cores} cores, {model}, Linux {}; {openssl} and {stunnel} on the other side.",
        kernel.trim()
    )
}

/// Its version, which it says on standard error.
fn stunnel() -> String {
    let output = Command::new("stunnel").arg("-version").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stderr).into_owned()).unwrap_or_default();
    let name = said.lines().find_map(|line| line.split_once("stunnel ").map(|(_, rest)| rest.to_owned()));
    format!(
        "stunnel {}",
        name.as_deref().and_then(|rest| rest.split(' ').next()).unwrap_or("of unknown version")
    )
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
        let figures = Figures {
            bare: vec![4000.0],
            s_time: vec![1000.0],
            twin: vec![3600.0],
            cycles: vec![425.0],
            ..Figures::default()
        };
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
