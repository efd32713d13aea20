//! Good, bad and odd server identities: what a module makes of them. The cases stand in `identities.table`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on is a failed test")]
#![allow(clippy::print_stdout, reason = "the summary of the table is what the test is run for")]

mod kit;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use kit::pki::Pki;
use kit::server::{Seen, Server};
use kit::{Twin, Verdict};
use modemtwin_host::net::NameCheck;
use openssl::pkey::{PKey, Private};
use openssl::x509::X509;

const TABLE: &str = include_str!("identities.table");
const COLUMNS: usize = 7;

/// The rows of one section of the table.
fn rows(section: &str) -> Vec<Vec<String>> {
    let mut current = "";
    let mut rows = Vec::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            current = name.trim_end_matches(']');
        } else if current == section {
            let row: Vec<_> = line.split('|').map(|cell| cell.trim().to_owned()).collect();
            assert_eq!(row.len(), COLUMNS, "{line}");
            rows.push(row);
        }
    }
    rows
}

/// One case.
#[derive(Debug)]
struct Case {
    name: String,
    shows: String,
    settings: BTreeMap<String, String>,
    sni: Option<String>,
    verdicts: [String; 3],
}

impl Case {
    fn from(row: &[String]) -> Self {
        let [name, shows, settings, sni, zero, one, two] = row else { panic!("{row:?}") };
        let settings = settings.split_whitespace().filter_map(|setting| setting.split_once('='));
        let settings: BTreeMap<_, _> = settings.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        for key in settings.keys() {
            let known = ["hostname", "verifymode", "ignorelocaltime", "sslversion", "cacert", "host"];
            assert!(known.contains(&key.as_str()) || key == "clock" || key == "check", "{name}: {key}?");
        }
        let same = |cell: &String, before: &String| if cell == "=" { before.clone() } else { cell.clone() };
        let one = same(one, zero);
        let two = same(two, &one);
        Self {
            name: name.clone(),
            shows: shows.clone(),
            settings,
            sni: (sni != "-").then(|| sni.clone()),
            verdicts: [zero.clone(), one, two],
        }
    }

    fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key).map(String::as_str)
    }

    /// Which of the modules it needs.
    fn module(&self) -> Which {
        match (self.setting("check"), self.setting("clock")) {
            (Some("always"), None) => Which::Always,
            (Some("never"), None) => Which::Never,
            (None, Some("never")) => Which::Timeless,
            (None, _) => Which::Usual,
            other => panic!("{}: {other:?}", self.name),
        }
    }

    /// What is shown, and by the holder of which key.
    fn identity(&self, pki: &Pki) -> (Vec<X509>, PKey<Private>) {
        let mut chain = Vec::new();
        for word in self.shows.split_whitespace() {
            let (name, times) =
                word.split_once('*').map_or((word, 1), |(n, times)| (n, times.parse().unwrap()));
            let certificate = pki.certificate(name.trim_end_matches("!wrong-key"));
            chain.extend(std::iter::repeat_n(certificate, times));
        }
        let first = self.shows.split_whitespace().next().unwrap();
        let key = match first.strip_suffix("!wrong-key") {
            Some(name) => pki.impostor_key(name),
            None => pki.key(first.trim_end_matches("!flipped")),
        };
        (chain, key)
    }

    /// The name that a report of an accepted session at level 1 or 2 has to say was checked.
    fn checked(&self) -> Option<&str> {
        match self.module() {
            Which::Never => None,
            Which::Always => self.setting("hostname").or(self.setting("host")).or(Some("127.0.0.1")),
            Which::Usual | Which::Timeless => self.setting("hostname"),
        }
    }

    /// What is wrong with what happened.
    fn judge(&self, level: usize, verdict: &Verdict, seen: &Seen) -> Result<(), String> {
        let expected = &self.verdicts[level];
        let wanted = expected.strip_prefix("ok").map(|rest| rest.trim_start_matches(": "));
        match (wanted, verdict) {
            (Some(words), Verdict::Accepted(report)) => {
                let text = report.to_string();
                contains(&text, words)?;
                contains(
                    &text,
                    if level == 0 { "NOT authenticated" } else { "revocation is never checked" },
                )?;
                let checks = (report.chain_checked, report.name_checked.as_deref(), report.time_checked);
                let dates = self.setting("ignorelocaltime") != Some("1");
                let made = if level == 0 { (false, None, false) } else { (true, self.checked(), dates) };
                if checks != made {
                    return Err(format!("the checks reported are {checks:?}, those to be made {made:?}"));
                }
                if seen.client.is_empty() != (level < 2) {
                    return Err(format!("{} client certificates were sent", seen.client.len()));
                }
            }
            (None, Verdict::Refused(text)) => {
                contains(text, expected)?;
                if seen.done {
                    return Err("the server takes the session for good".into());
                }
            }
            (_, verdict) => return Err(format!("expected {expected:?}, got {verdict:?}")),
        }
        // What is refused before the first byte asks for nobody.
        let silent = matches!(verdict, Verdict::Refused(text) if text.contains("nothing was sent"));
        let sni = if silent { &None } else { &self.sni };
        if seen.sni != *sni {
            return Err(format!("the server was asked for {:?}, expected {sni:?}", seen.sni));
        }
        Ok(())
    }
}

fn contains(text: &str, words: &str) -> Result<(), String> {
    if text.contains(words) { Ok(()) } else { Err(format!("{words:?} is not in: {text}")) }
}

/// The modules that the cases need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Which {
    Usual,
    Always,
    Never,
    Timeless,
}

impl Which {
    async fn start(self) -> Twin {
        let check = match self {
            Self::Usual | Self::Timeless => NameCheck::Hostname,
            Self::Always => NameCheck::Always,
            Self::Never => NameCheck::Never,
        };
        Twin::start(&["lab.example", "other.example"], check, self != Self::Timeless).await
    }
}

/// The files that a module has been given.
struct Files(HashSet<String>);

impl Files {
    /// Has the certificates `names` in a file, and says its name.
    async fn put(&mut self, twin: &mut Twin, pki: &Pki, names: &str) -> String {
        let file = format!("{}.crt", names.replace('+', "_"));
        if self.0.insert(file.clone()) {
            twin.put(&file, &pki.pem(names)).await;
        }
        file
    }
}

/// Runs a module's cases; the accepted and refused ones by level, and what went wrong.
async fn run(which: Which, cases: &[Case], pki: &Pki) -> ([[usize; 2]; 3], String) {
    let mut twin = which.start().await;
    let mut files = Files(HashSet::new());
    let (mut counts, mut wrong) = ([[0; 2]; 3], String::new());
    twin.put("client.key", &pki.key_pem("client")).await;
    twin.set("clientkey", "\"client.key\"").await;
    let client = files.put(&mut twin, pki, "client").await;
    twin.set("clientcert", &format!("\"{client}\"")).await;
    for case in cases.iter().filter(|case| case.module() == which) {
        let cacert = match case.setting("cacert").unwrap_or("root") {
            "-" => String::new(),
            names => format!("\"{}\"", files.put(&mut twin, pki, names).await),
        };
        twin.set("cacert", &cacert).await;
        let hostname = case.setting("hostname").map_or_else(String::new, |name| format!("\"{name}\""));
        twin.set("hostname", &hostname).await;
        for keyword in ["verifymode", "ignorelocaltime", "sslversion"] {
            twin.set(keyword, case.setting(keyword).unwrap_or_default()).await;
        }
        if which == Which::Usual {
            let year = case.setting("clock").unwrap_or("2030");
            twin.ok(&format!("AT+CCLK=\"{}/06/15,12:00:00+00\"", &year[2..])).await;
        }
        let (chain, key) = case.identity(pki);
        for (level, count) in counts.iter_mut().enumerate() {
            twin.doing = format!("{}, seclevel {level}", case.name);
            twin.set("seclevel", &level.to_string()).await;
            let server = Server::start(&chain, &key);
            let verdict = twin.connect(case.setting("host").unwrap_or("127.0.0.1"), server.port()).await;
            count[usize::from(matches!(verdict, Verdict::Refused(_)))] += 1;
            if let Err(why) = case.judge(level, &verdict, &server.seen().await) {
                writeln!(wrong, "{}, seclevel {level}: {why}", case.name).unwrap();
            }
        }
    }
    twin.stop().await;
    (counts, wrong)
}

#[tokio::test]
async fn every_identity_gets_its_verdict() {
    let certificates = rows("certificates");
    let pki = Pki::new(certificates.iter().map(Vec::as_slice));
    let cases: Vec<_> = rows("cases").iter().map(|row| Case::from(row)).collect();
    let names: HashSet<_> = cases.iter().map(|case| &case.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have the same name");
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let (usual, always, never, timeless) = tokio::join!(
        run(Which::Usual, &cases, &pki),
        run(Which::Always, &cases, &pki),
        run(Which::Never, &cases, &pki),
        run(Which::Timeless, &cases, &pki)
    );
    let all = [usual, always, never, timeless];
    println!("{} identities, {} handshakes:", cases.len(), cases.len() * 3);
    for level in 0..3 {
        let sum = |what: usize| all.iter().map(|(counts, _)| counts[level][what]).sum::<usize>();
        println!("  seclevel {level}: {} accepted, {} refused", sum(0), sum(1));
    }
    let wrong: String = all.into_iter().map(|(_, wrong)| wrong).collect();
    assert!(wrong.is_empty(), "not as in the table:\n{wrong}");
}
