//! What can be typed behind `modemtwin`.

mod help;
mod values;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use host::client::Address;
use host::lab::{PORT_BASE_LIMIT, Service};

use crate::lines::Lines;
use crate::resolve::Resolve;
use help::{
    EXIT_CODES, EXPLAIN_EXAMPLES, LAB_EXAMPLES, MAIN_EXAMPLES, PLAY_EXAMPLES, RUN_EXAMPLES, SMS_EXAMPLES,
    STYLES,
};
pub(crate) use values::Named;
use values::{family, ip_address, line, named, profile};

/// A software twin of the openLuat Air724UG LTE Cat.1 module: AT commands in, the same bytes back, real TCP and TLS
/// behind.
#[derive(Debug, Parser)]
#[command(name = "modemtwin", version, styles = STYLES, max_term_width = 80, arg_required_else_help = true)]
#[command(after_help = format!("{MAIN_EXAMPLES}\n{EXIT_CODES}"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) action: Action,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Runs modules: each on PTYs, serial devices, TCP ports or this terminal.
    #[command(after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Runs servers to connect to (echo, MQTT, HTTP, FTP; each in plain, over TLS, over TLS with client certificates) and prints AT
    /// lines for them.
    #[command(after_help = LAB_EXAMPLES)]
    Lab(Lab),
    /// Plays the SSL guide's mutual-TLS session on a real PTY against a real server, and says what happened.
    Demo(Demo),
    /// Plays a transcript on the line of a module that runs elsewhere, a twin or a real one.
    #[command(after_help = PLAY_EXAMPLES)]
    Play(Play),
    /// Says what a module's TLS contexts would do: files, checks, risks, and whether a connect can work. Connects to nobody.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// Sends a module a short message, as somebody in its network would.
    #[command(after_help = SMS_EXAMPLES)]
    Sms(Sms),
    /// Lists the AT commands, their forms, and how we know that the module behaves so.
    Commands(Commands),
}

/// `run`.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// How many modules, each with its own identity, files and lines.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MODULES))]
    pub(crate) modules: u32,
    #[command(flatten)]
    pub(crate) lines: Lines,
    /// Keep the modules' files and settings in DIR/modem0, DIR/modem1, …
    /// [default: `modemtwin` in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The module type.
    #[arg(long, value_name = "NAME", default_value = "air724ug", value_parser = profile)]
    pub(crate) profile: &'static modem::Profile,
    /// Connect to ADDR (and PORT) when a module asks for HOST. May be given several times. IPv6 addresses stand in
    /// brackets.
    #[arg(long, value_name = "HOST:ADDR[:PORT]")]
    pub(crate) resolve: Vec<Resolve>,
    /// When TLS compares the name in the server's certificate (only where AT seclevel checks the server at all).
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = NameCheck::Hostname)]
    pub(crate) name_check: NameCheck,
    /// What TLS offers to servers where the module's settings leave it open (sslversion 4 and ciphersuite 0XFFFF, which is
    /// also what is unset).
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Tls::Module)]
    pub(crate) tls: Tls,
    /// The modules' surroundings: card, signal, registration, attach, bearer, APN, name servers, and how they change.
    /// docs/world.md has the words.
    #[arg(long, value_name = "FILE")]
    pub(crate) world: Option<PathBuf>,
    /// Decides what is arbitrary about a module, such as cell numbers.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The first module's number; IMEI, IMSI, ICCID and the directory of its state follow from it.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=999_999))]
    pub(crate) first_instance: u32,
    #[command(flatten)]
    pub(crate) record: Record,
    #[command(flatten)]
    pub(crate) log: Log,
}

/// The most modules in one process: one thread serves them all.
const MODULES: i64 = 1000;

/// `lab`.
#[derive(Debug, Args)]
pub(crate) struct Lab {
    /// Keep certificates and keys here. [default: `modemtwin/lab` in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Listen at this address; 0.0.0.0 means that everybody who reaches this computer may connect.
    #[arg(long, value_name = "ADDR", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_parser = ip_address)]
    pub(crate) listen: IpAddr,
    /// The twelve servers get this port and those after it, in the order echo (plain, TLS, TLS with client certificates), MQTT
    /// (plain, TLS), HTTP, FTP likewise, then MQTT, HTTP and FTP with client certificates; 0 means any free ports.
    /// [default: 57511, or free ports if these are taken]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(..=i64::from(PORT_BASE_LIMIT)))]
    pub(crate) port_base: Option<u16>,
    /// Print AT lines to type into a module for this service; several with commas between.
    #[arg(long, value_name = "SERVICE", value_enum, value_delimiter = ',')]
    pub(crate) show: Vec<Show>,
    #[command(flatten)]
    pub(crate) log: Log,
}

/// What the lab prints sessions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// TCP and TLS.
    #[value(aliases = ["tcp", "tls"])]
    Echo,
    /// The MQTT broker.
    Mqtt,
    /// The HTTP server.
    Http,
    /// The FTP server.
    Ftp,
    /// Everything.
    All,
}

impl Show {
    /// Whether a service is meant.
    pub(crate) fn has(self, service: Service) -> bool {
        match self {
            Self::Echo => service == Service::Echo,
            Self::Mqtt => service == Service::Mqtt,
            Self::Http => service == Service::Http,
            Self::Ftp => service == Service::Ftp,
            Self::All => true,
        }
    }
}

/// `demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    pub(crate) record: Record,
    #[command(flatten)]
    pub(crate) log: Log,
}

/// `play`.
#[derive(Debug, Args)]
pub(crate) struct Play {
    /// The transcript. docs/transcripts.md has the format.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where the module is: a device (at the bit rate that it has), or ADDR:PORT. May be given several times: the first is the
    /// transcript's line 0.
    #[arg(long, value_name = "LINE", default_value = "./modem0", value_parser = line)]
    pub(crate) line: Vec<Address>,
    /// Give one of the transcript's variables its value, as `@set` does. May be given several times.
    #[arg(long, value_name = "NAME=TEXT", value_parser = named)]
    pub(crate) set: Vec<Named>,
    /// Bind the contents of a file to a name, as `@file` does. May be given several times.
    #[arg(long, value_name = "NAME=PATH", value_parser = named)]
    pub(crate) bind: Vec<Named>,
}

/// `explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Where `run` keeps the modules' files. [default: `modemtwin` in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Which module's files, as numbered by `run`.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=999_999))]
    pub(crate) module: u32,
    /// A command such as AT+SSLCFG="seclevel",0,2. May be given several times; AT+CIPMUX= and AT+CCLK= are taken as well.
    #[arg(long, value_name = "COMMAND")]
    pub(crate) sslcfg: Vec<String>,
    /// Take such commands from FILE: a list, a log or a transcript; other lines are ignored. Before those of --sslcfg.
    #[arg(long, value_name = "FILE")]
    pub(crate) session: Option<PathBuf>,
    /// The host that is connected to, as in AT+CIPSTART, AT+SSLMIPSTART, AT+FTPSERV or the URL: for SNI and for --name-check always.
    #[arg(long, value_name = "HOST", default_value = "")]
    pub(crate) host: String,
    /// As for `run`.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = NameCheck::Hostname)]
    pub(crate) name_check: NameCheck,
    /// As for `run`.
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = Tls::Module)]
    pub(crate) tls: Tls,
}

/// `sms`.
#[derive(Debug, Args)]
pub(crate) struct Sms {
    /// Where `run` keeps the modules' files. [default: `modemtwin` in the user's data directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Which module is to have it, as numbered by `run`.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=999_999))]
    pub(crate) to: u32,
    /// Who it is from: a number, or a name of at most eleven letters.
    #[arg(long, value_name = "NUMBER", default_value = "+8613800138000", allow_hyphen_values = true)]
    pub(crate) from: String,
    /// An SMS-DELIVER or SMS-STATUS-REPORT (TS 23.040) in hexadecimal digits, without a service centre.
    #[arg(long, value_name = "DIGITS", conflicts_with_all = ["text", "from"])]
    pub(crate) pdu: Option<String>,
    /// The text; a long one becomes several messages.
    #[arg(value_name = "TEXT", required_unless_present = "pdu")]
    pub(crate) text: Option<String>,
}

/// `commands`.
#[derive(Debug, Args)]
pub(crate) struct Commands {
    /// Everything about this one, such as CIPSTART.
    #[arg(value_name = "COMMAND")]
    pub(crate) name: Option<String>,
    /// Only this family.
    #[arg(long, value_name = "NAME", value_parser = family)]
    pub(crate) family: Option<&'static str>,
    /// The page docs/commands.md: everything about all of them.
    #[arg(long, conflicts_with_all = ["name", "family"])]
    pub(crate) markdown: bool,
}

/// What is recorded of the modules' connections: nothing, unless asked for.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Record {
    /// Append the secrets of all TLS sessions to FILE (NSS key log format). For debugging only: who has them reads the
    /// traffic.
    #[arg(long, value_name = "FILE")]
    pub(crate) keylog: Option<PathBuf>,
    /// Write all connections of the modules to FILE (pcapng), with the secrets in it: Wireshark shows it decrypted. What is
    /// no connection (name lookups, echoes, the time) is not in it. For debugging only.
    #[arg(long, value_name = "FILE")]
    pub(crate) pcap: Option<PathBuf>,
    /// Use the FILE of --keylog or --pcap even if others may read it.
    #[arg(long)]
    pub(crate) force: bool,
}

/// How much is logged (to standard error).
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct Log {
    /// Log more: once for what happens on lines and links, twice for every detail.
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// Log only failures of the twin itself.
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// `--name-check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NameCheck {
    /// When SSLCFG "hostname" is set.
    Hostname,
    /// Against SSLCFG "hostname", or else the host that is connected to.
    Always,
    /// Not at all.
    Never,
}

/// `--tls`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tls {
    /// What the module has: up to TLS 1.2, with RSA key exchange only.
    Module,
    /// TLS 1.3 and forward-secret suites (ECDHE, AES-GCM, ChaCha20) as well.
    Modern,
}

/// What clap cannot see is wrong with the command line: a name that is none, a PDU that is none.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    fn parse(line: &str) -> Result<Action, clap::Error> {
        Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.action)
    }

    fn run(line: &str) -> Run {
        match parse(line).unwrap() {
            Action::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn run_needs_no_options() {
        let run = run("modemtwin run");
        assert_eq!((run.modules, run.seed, run.first_instance), (1, 1, 0));
        assert_eq!(run.profile.name, "air724ug");
        assert_eq!((run.name_check, run.tls), (NameCheck::Hostname, Tls::Module));
        assert!(run.lines == Lines::default() && run.state.is_none());
    }

    #[test]
    fn resolve_may_be_repeated() {
        let run = run("modemtwin run --resolve a:127.0.0.1 --resolve b:[::1]:443");
        assert_eq!(run.resolve.len(), 2);
    }

    #[test]
    fn an_address_that_is_none_is_answered_with_an_example() {
        for line in ["run --tcp 5000", "run --tcp localhost", "run --tcp :5000", "lab --listen foo"] {
            let error = parse(&format!("modemtwin {line}")).expect_err(line).to_string();
            assert!(error.contains("such as 127.0.0.1"), "{line}: {error}");
        }
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for (line, kind) in [
            ("modemtwin run --modules 0", ErrorKind::ValueValidation),
            ("modemtwin run --modules 2 --stdio", ErrorKind::ArgumentConflict),
            ("modemtwin run --modules 2 --serial /dev/ttyS0", ErrorKind::ArgumentConflict),
            ("modemtwin run --serial /dev/ttyS0,fast", ErrorKind::ValueValidation),
            ("modemtwin run --baud fast", ErrorKind::ValueValidation),
            ("modemtwin run --profile sim800", ErrorKind::ValueValidation),
            ("modemtwin run --name-check sometimes", ErrorKind::InvalidValue),
            ("modemtwin run --resolve host", ErrorKind::ValueValidation),
            ("modemtwin run --tcp 5000", ErrorKind::ValueValidation),
            ("modemtwin run -v -q", ErrorKind::ArgumentConflict),
            ("modemtwin lab --port-base 65525", ErrorKind::ValueValidation),
            ("modemtwin commands --family bluetooth", ErrorKind::ValueValidation),
            ("modemtwin dance", ErrorKind::InvalidSubcommand),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.kind(), kind, "{line}");
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_bad_name_is_answered_with_the_good_ones() {
        let error = parse("modemtwin run --profile sim800").expect_err("no such profile").to_string();
        assert!(error.contains("air724ug"), "{error}");
        let error = parse("modemtwin commands --family x").expect_err("no such family").to_string();
        assert!(error.contains("ssl"), "{error}");
    }

    #[test]
    fn help_fits_eighty_columns() {
        let mut command = Cli::command();
        command.build();
        let names: Vec<String> =
            command.get_subcommands().map(|c| c.get_name().to_owned()).filter(|n| n != "help").collect();
        assert!(command.render_long_help().to_string().contains("Exit codes"));
        for name in names {
            let help =
                command.find_subcommand_mut(&name).expect("it was listed").render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{name}: {line}");
            }
            assert!(
                !help.contains("Exit codes"),
                "{name}: they are the same for all, and stand in `modemtwin --help`"
            );
        }
    }
}
