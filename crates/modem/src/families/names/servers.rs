//! CDNSCFG: which name servers are asked.

use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;
use crate::module::Module;

/// The longest address: `255.255.255.255`.
const ADDRESS: usize = 15;

pub(super) const CDNSCFG: Command = Command {
    syntax: &["AT+CDNSCFG=<primary>[,<secondary>[,<bearer 1-3>]]", "AT+CDNSCFG?", "AT+CDNSCFG=?"],
    reference: "manual AT+CDNSCFG",
    evidence: Evidence::Documented,
    remarks: "Without a bearer's number: for links, AT+CDNSGIP and AT+CIPPING; with one: for what runs on that AT+SAPBR \
              bearer. Kept over AT+CIPSHUT, not over a restart; 0.0.0.0, the value at power-on, stands for the network's own \
              servers; a server that is left out becomes 0.0.0.0 (all assumed). The query shows those without a number.",
    read: Some(read),
    set: Some(set),
    test: Test::Text("+CDNSCFG: (\"Primary DNS\"),(\"Secondary DNS\")"),
    examples: &[
        example("AT+CDNSCFG=\"192.0.2.53\",\"192.0.2.54\"", "\r\nOK\r\n"),
        example("AT+CDNSCFG?", "\r\nPrimaryDns: 0.0.0.0\r\nSecondaryDns: 0.0.0.0\r\n\r\nOK\r\n"),
        example_after(
            &["AT+CDNSCFG=192.0.2.53,192.0.2.54"],
            "AT+CDNSCFG?",
            "\r\nPrimaryDns: 192.0.2.53\r\nSecondaryDns: 192.0.2.54\r\n\r\nOK\r\n",
        ),
        example("AT+CDNSCFG=192.0.2.53,,3", "\r\nOK\r\n"),
        example("AT+CDNSCFG=192.0.2.53,192.0.2.54,4", "\r\nERROR\r\n"),
        example("AT+CDNSCFG=192.0.2", "\r\nERROR\r\n"),
        example("AT+CDNSCFG=?", "\r\n+CDNSCFG: (\"Primary DNS\"),(\"Secondary DNS\")\r\n\r\nOK\r\n"),
    ],
    ..Command::new("+CDNSCFG", "Name servers")
};

/// The name servers of the TCP/IP bearer; none: the network's own.
pub(crate) fn servers(module: &Module) -> Vec<IpAddr> {
    of(module, 0)
}

/// The name servers of an application's bearer (AT+SAPBR).
pub(crate) fn application_servers(module: &Module, bearer: u8) -> Vec<IpAddr> {
    of(module, usize::from(bearer))
}

fn of(module: &Module, index: usize) -> Vec<IpAddr> {
    let both = module.families.names.servers.get(index).into_iter().flatten();
    both.filter(|address| !address.is_unspecified()).map(|&address| IpAddr::V4(address)).collect()
}

fn read(x: &mut Exchange<'_>) -> Answer {
    let [[primary, secondary], ..] = x.module.families.names.servers;
    x.info(format_args!("PrimaryDns: {primary}"));
    x.info(format_args!("SecondaryDns: {secondary}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let primary = address(x.args.text(ADDRESS)?)?;
    let secondary = match x.args.opt_text(ADDRESS)? {
        None | Some("") => Ipv4Addr::UNSPECIFIED,
        Some(text) => address(text)?,
    };
    let bearer = x.args.opt_number(1..=3)?.unwrap_or(0);
    x.args.finish()?;
    let index = usize::try_from(bearer).unwrap_or(0);
    if let Some(servers) = x.module.families.names.servers.get_mut(index) {
        *servers = [primary, secondary];
    }
    Ok(Outcome::Ok)
}

fn address(text: &str) -> Result<Ipv4Addr, Fault> {
    text.parse().map_err(|_| Fault::error("a name server is an IPv4 address such as 192.0.2.53"))
}
