//! The options that give a module its lines. The order in which they are typed counts: the first line is UART1.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use host::LineSpec;
use host::line::{Baud, DEFAULT_RATE};

/// What was asked for, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines {
    pub(crate) specs: Vec<LineSpec>,
    pub(crate) baud: Option<Baud>,
}

const PTY: &str = "pty";
const SERIAL: &str = "serial";
const TCP: &str = "tcp";
const STDIO: &str = "stdio";
const BAUD: &str = "baud";

impl Lines {
    /// Whether standard input is one of them.
    pub(crate) fn has_stdio(&self) -> bool {
        self.specs.contains(&LineSpec::Stdio)
    }
}

impl Args for Lines {
    fn augment_args(command: Command) -> Command {
        let pty = Arg::new(PTY)
            .long(PTY)
            .value_name("LINK")
            .value_parser(value_parser!(PathBuf))
            .action(ArgAction::Append)
            .help(
                "Serve a PTY and make this symbolic link to it. With several modules, each one's number is appended. \
                 May be given several times, as may --tcp and --serial: a module has all lines that are asked for, the \
                 first is its UART1. [default: ./modem0 and so on, unless another line is asked for]",
            );
        let serial = Arg::new(SERIAL)
            .long(SERIAL)
            .value_name("DEVICE[,BAUD][,dcd]")
            .value_parser(serial)
            .action(ArgAction::Append)
            .conflicts_with("modules")
            .help(
                "Serve a serial device, such as /dev/ttyUSB0: this computer takes a module's place at the other end of a \
                 null-modem cable. BAUD counts until AT+IPR says something else. [default BAUD: 115200] Our DTR is the \
                 module's DSR, or with `dcd` its DCD.",
            );
        let tcp = Arg::new(TCP)
            .long(TCP)
            .value_name("ADDR:PORT")
            .value_parser(socket_address)
            .action(ArgAction::Append)
            .help("Serve a TCP port, one client at a time. ADDR may be localhost. With --modules, the port counts up.");
        let stdio = Arg::new(STDIO)
            .long(STDIO)
            .action(ArgAction::SetTrue)
            .conflicts_with("modules")
            .help("Serve standard input and output; Ctrl-] or end of input ends it.");
        let rate = Arg::new(BAUD).long(BAUD).value_name("RATE|auto").value_parser(baud).help(
            "Give PTYs and TCP ports the timing of a UART at this rate, until AT+IPR says something else. auto: at the \
             rate that the client has set, and silent until AT has come, like a module that finds out its rate.",
        );
        command.args([pty, serial, tcp, stdio, rate])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Lines {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut lines = Self::default();
        lines.update_from_arg_matches(matches)?;
        Ok(lines)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let mut placed: Vec<(usize, LineSpec)> = Vec::new();
        placed.extend(typed(matches, PTY, |link: &PathBuf| LineSpec::Pty(link.clone())));
        placed.extend(typed(matches, SERIAL, LineSpec::clone));
        placed.extend(typed(matches, TCP, |address: &SocketAddr| LineSpec::Tcp(*address)));
        if matches.get_flag(STDIO) {
            placed.extend(
                matches.indices_of(STDIO).into_iter().flatten().map(|index| (index, LineSpec::Stdio)),
            );
        }
        placed.sort_by_key(|(index, _)| *index);
        self.specs = placed.into_iter().map(|(_, spec)| spec).collect();
        self.baud = matches.get_one(BAUD).copied();
        Ok(())
    }
}

/// The values of an option, each with its place on the command line.
fn typed<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    option: &str,
    spec: impl Fn(&T) -> LineSpec,
) -> Vec<(usize, LineSpec)> {
    let places = matches.indices_of(option).into_iter().flatten();
    places.zip(matches.get_many(option).into_iter().flatten().map(spec)).collect()
}

/// A name stands for this computer only: what else a name means may change, and would open the line to others.
fn socket_address(text: &str) -> Result<SocketAddr, String> {
    let form = || "it has to be an address and a port, such as 127.0.0.1:5000 or localhost:5000".to_owned();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (name, port) = text.rsplit_once(':').filter(|(name, _)| !name.is_empty()).ok_or_else(form)?;
    let port: u16 = port.parse().map_err(|_| form())?;
    let found =
        (name, port).to_socket_addrs().map_err(|error| format!("{name:?} has no address: {error}"))?;
    let mut own: Vec<SocketAddr> = found.filter(|address| address.ip().is_loopback()).collect();
    own.sort_by_key(SocketAddr::is_ipv6);
    own.into_iter().next().ok_or_else(|| {
        format!(
            "{name:?} is not this computer; give the IP address to listen at, such as 0.0.0.0:{port} for all"
        )
    })
}

fn serial(text: &str) -> Result<LineSpec, String> {
    let mut parts = text.split(',');
    let device = parts.next().filter(|device| !device.is_empty());
    let device = device.ok_or("it has to be a device, such as /dev/ttyUSB0 or /dev/ttyUSB0,9600")?.into();
    let (mut bits, mut carrier) = (DEFAULT_RATE, false);
    for part in parts {
        match part {
            "dsr" => carrier = false,
            "dcd" => carrier = true,
            number => bits = rate(number)?,
        }
    }
    Ok(LineSpec::Serial { device, baud: bits, carrier })
}

fn baud(text: &str) -> Result<Baud, String> {
    if text == "auto" { Ok(Baud::Auto) } else { rate(text).map(Baud::Fixed) }
}

fn rate(text: &str) -> Result<u32, String> {
    let rate = text.parse().ok().filter(|rate| (50..=4_000_000).contains(rate));
    rate.ok_or_else(|| format!("{text:?} is no bit rate; it has to be a number such as 9600 or 115200"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Program {
        #[arg(long)]
        modules: Option<u32>,
        #[command(flatten)]
        lines: Lines,
    }

    fn lines(line: &str) -> Result<Lines, clap::Error> {
        let program = Program::try_parse_from(line.split_whitespace())?;
        assert!(program.modules.is_none_or(|modules| modules > 0));
        Ok(program.lines)
    }

    #[test]
    fn lines_come_in_the_order_in_which_they_are_typed() {
        let typed =
            lines("p --tcp 127.0.0.1:1 --pty a --serial /dev/ttyS0 --stdio --pty b --serial /d,9600,dcd")
                .unwrap();
        let device = |device: &str, baud, carrier| LineSpec::Serial { device: device.into(), baud, carrier };
        let expected = [
            LineSpec::Tcp(([127, 0, 0, 1], 1).into()),
            LineSpec::Pty("a".into()),
            device("/dev/ttyS0", 115_200, false),
            LineSpec::Stdio,
            LineSpec::Pty("b".into()),
            device("/d", 9600, true),
        ];
        assert_eq!(typed.specs, expected);
        assert!(typed.has_stdio() && typed.baud.is_none());
        assert_eq!(lines("p").unwrap(), Lines::default());
    }

    #[test]
    fn a_name_stands_for_this_computer() {
        let typed = lines("p --tcp localhost:5000").unwrap();
        assert!(
            matches!(&typed.specs[..], [LineSpec::Tcp(at)] if at.ip().is_loopback() && at.port() == 5000)
        );
        // RFC 2606 and 6761: there is never such a name.
        for (line, why) in [
            ("p --tcp nowhere.invalid:5000", "has no address"),
            ("p --tcp localhost:no", "such as 127.0.0.1:5000"),
            ("p --tcp localhost:70000", "such as 127.0.0.1:5000"),
        ] {
            let error = lines(line).expect_err(line).to_string();
            assert!(error.contains(why), "{line}: {error}");
        }
    }

    #[test]
    fn rates_are_numbers_or_auto() {
        assert_eq!(lines("p --baud 9600").unwrap().baud, Some(Baud::Fixed(9600)));
        assert_eq!(lines("p --baud auto").unwrap().baud, Some(Baud::Auto));
        for line in
            ["p --baud 0", "p --baud fast", "p --serial /dev/ttyS0,x", "p --serial ,9600", "p --serial=,"]
        {
            let error = lines(line).expect_err(line);
            assert_eq!(error.exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_there_is_only_one_of_is_not_for_several_modules() {
        for line in ["p --modules 2 --stdio", "p --modules 2 --serial /dev/ttyS0"] {
            assert_eq!(lines(line).expect_err(line).kind(), clap::error::ErrorKind::ArgumentConflict);
        }
    }
}
