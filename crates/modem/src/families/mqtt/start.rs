//! MIPSTART, SSLMIPSTART, MIPCLOSE: the connection to the broker.

use super::{MqttTimer, Phase, drop_connection, tell, wrong_order};
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example};
use crate::exchange::Exchange;
use crate::families::packet::{self, Bearer};
use crate::families::{FamilyTimer, names, socket};
use crate::io::Transport;
use crate::module::{Opening, Session, peer};

pub(super) const MIPSTART: Command = Command {
    syntax: &["AT+MIPSTART=<host>,<port 1-65535>", "AT+MIPSTART=?"],
    reference: "manual AT+MIPSTART",
    evidence: Evidence::Documented,
    remarks: "OK first, CONNECT OK or STATE:<state> and CONNECT FAIL later (multi mode: 7,CONNECT OK, 7,CONNECT FAIL). Runs on the \
              default bearer: needs neither AT+CSTT nor AT+CIICR. While CIPSTART has link 7, with eight connections open, without \
              a bearer or in PDP DEACT: +CME ERROR: 3 (the last two assumed); while it is connecting: +CME ERROR: 767 (assumed). \
              <state> is that of AT+CIPSTATUS (assumed).",
    longest: 75_000,
    needs_card: true,
    set: Some(|x| start(x, false)),
    test: Test::Handler(|x| test(x, "MIPSTART")),
    examples: &[
        example("AT+MIPSTART=\"broker.example\",0", "\r\nERROR\r\n"),
        example("AT+MIPSTART=\"broker.example\"", "\r\nERROR\r\n"),
        example(
            "AT+MIPSTART=?",
            "\r\n+MIPSTART:\"(0,255).(0,255).(0,255).(0,255)\",(1-65535)\r\n+MIPSTART:\"DOMAIN NAME\",(1-65535)\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+MIPSTART", "Connect to an MQTT broker")
};

pub(super) const SSLMIPSTART: Command = Command {
    syntax: &["AT+SSLMIPSTART=<host>,<port 1-65535>", "AT+SSLMIPSTART=?"],
    reference: "manual AT+SSLMIPSTART; SSL guide 2.2",
    evidence: Evidence::Documented,
    remarks: "As AT+MIPSTART, over TLS with SSL context 88 as it is at this moment, whatever AT+CIPSSL says. A handshake that fails \
              ends as a connect that fails (assumed).",
    longest: 375_000,
    needs_card: true,
    set: Some(|x| start(x, true)),
    test: Test::Handler(|x| test(x, "SSLMIPSTART")),
    examples: &[
        example("AT+SSLMIPSTART=\"broker.example\",65536", "\r\nERROR\r\n"),
        example(
            "AT+SSLMIPSTART=?",
            "\r\n+SSLMIPSTART:\"(0,255).(0,255).(0,255).(0,255)\",(1-65535)\r\n+SSLMIPSTART:\"DOMAIN NAME\",(1-65535)\r\n\r\n\
             OK\r\n",
        ),
    ],
    ..Command::new("+SSLMIPSTART", "Connect to an MQTT broker over TLS")
};

pub(super) const MIPCLOSE: Command = Command {
    syntax: &["AT+MIPCLOSE", "AT+MIPCLOSE=?"],
    reference: "manual AT+MIPCLOSE",
    evidence: Evidence::Documented,
    remarks: "No CLOSED follows. Without AT+MDISCONNECT before, the broker publishes the will. Nothing to close: +CME ERROR: 767. \
              While connecting it gives the connect up (assumed).",
    execute: Some(close),
    examples: &[example("AT+MIPCLOSE", "\r\n+CME ERROR: 767\r\n"), example("AT+MIPCLOSE=?", "\r\nOK\r\n")],
    ..Command::new("+MIPCLOSE", "Close the connection to the MQTT broker")
};

fn test(x: &mut Exchange<'_>, name: &str) -> Answer {
    x.info(format_args!("+{name}:\"(0,255).(0,255).(0,255).(0,255)\",(1-65535)"));
    x.info(format_args!("+{name}:\"DOMAIN NAME\",(1-65535)"));
    Ok(Outcome::Ok)
}

fn start(x: &mut Exchange<'_>, tls: bool) -> Answer {
    let (host, port) = peer(x)?;
    if tls && !x.profile().ssl {
        return Err(Fault::error("this firmware variant has no SSL function (AT+CGMR shows which it is)"));
    }
    match x.module.families.mqtt.phase {
        Phase::Connecting => return Err(wrong_order("the connection is on its way already")),
        _ if x.module.families.mqtt.conn.is_some() => {
            tell(x.module, "ALREADY CONNECT");
            return Ok(Outcome::Ok);
        }
        _ => {}
    }
    let limits = &x.profile().mqtt;
    if packet::bearer(x.module) == Bearer::Deactivated {
        let why = x.module.with_cause("the bearer is lost (PDP DEACT); AT+CIPSHUT before the next start");
        return Err(Fault::not_allowed(why));
    }
    if packet::default_address(x.module).is_none() {
        return Err(Fault::not_allowed(x.module.with_cause("there is no bearer (AT+CGATT?, AT+CGACT?)")));
    }
    if socket::is_busy(x.module, limits.link) {
        return Err(Fault::not_allowed("AT+CIPSTART has link 7, which MQTT needs: AT+CIPCLOSE=7 first"));
    }
    x.module.check_connections()?;
    let opening = Opening {
        transport: Transport::Tcp,
        host,
        port,
        context: tls.then_some(limits.context),
        bearer: None,
        name_servers: names::servers(x.module),
        local_port: None,
        session: Session::Own,
        link: limits.link,
    };
    let Ok(conn) = x.module.open(opening) else {
        return Err(Fault::error("the module has no SSL context 88"));
    };
    let line = x.line;
    x.module.cancel(FamilyTimer::mqtt(MqttTimer::Answer));
    let mqtt = &mut x.module.families.mqtt;
    (mqtt.phase, mqtt.conn, mqtt.line) = (Phase::Connecting, Some(conn), line);
    Ok(Outcome::Ok)
}

fn close(x: &mut Exchange<'_>) -> Answer {
    if x.module.families.mqtt.phase == Phase::Idle {
        return Err(wrong_order("there is no connection to a broker"));
    }
    drop_connection(x.module, false);
    Ok(Outcome::Ok)
}
