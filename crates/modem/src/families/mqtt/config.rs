//! MCONFIG: who the module is, and its will.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::payload;
use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example};
use crate::exchange::Exchange;

/// What MCONFIG says. Its `Debug` form hides the credentials and the will's message.
#[derive(Default)]
pub(super) struct Identity {
    /// Empty: the module's own.
    pub(super) client: String,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) will: Option<Will>,
}

/// What the broker publishes when the module is lost.
pub(super) struct Will {
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) topic: String,
    pub(super) message: Vec<u8>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("client", &self.client)
            .field("will", &self.will.is_some())
            .finish_non_exhaustive()
    }
}

pub(super) const MCONFIG: Command = Command {
    syntax: &[
        "AT+MCONFIG=<client id>[,<user>,<password>[,<will QoS 0-2>,<will retain 0-1>,\"<will topic>\",\"<will message>\"]]",
        "AT+MCONFIG=?",
    ],
    reference: "manual AT+MCONFIG",
    evidence: Evidence::Documented,
    remarks: "Client id, user name, password and will topic at most 256 bytes, the will's message 1360. Read by the next AT+MCONNECT; \
              forgotten at power-off; each command sets everything anew (all assumed). Without it, or with an empty client id, \
              the client id is the IMEI (assumed). An empty user name is none, and its password goes with it (assumed). \
              \\xx in the will's message is a byte, as in AT+MPUB (assumed).",
    set: Some(configure),
    test: Test::Handler(test),
    examples: &[
        example("AT+MCONFIG=868488076771714,user,pass", "\r\nOK\r\n"),
        example("AT+MCONFIG=\"id\"", "\r\nOK\r\n"),
        example("AT+MCONFIG=\"id\",\"\",\"\"", "\r\nOK\r\n"),
        example("AT+MCONFIG=\"id\",\"123\",\"123\",\"0\",\"0\",\"last/will\",\"gone\"", "\r\nOK\r\n"),
        example("AT+MCONFIG=\"id\",\"user\"", "\r\nERROR\r\n"),
        example("AT+MCONFIG=\"id\",\"u\",\"p\",0,0,will,\"gone\"", "\r\nERROR\r\n"),
        example("AT+MCONFIG=\"id\",\"u\",\"p\",3,0,\"will\",\"gone\"", "\r\nERROR\r\n"),
        example(
            "AT+MCONFIG=?",
            "\r\n+MCONFIG:\r\n <clientid>[,<username>,<password>[,(0-2),(0,1),<will_topic>,<will_message>]]\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+MCONFIG", "MQTT client id, credentials, will")
};

fn test(x: &mut Exchange<'_>) -> Answer {
    x.info(format_args!("+MCONFIG:"));
    x.info(format_args!(" <clientid>[,<username>,<password>[,(0-2),(0,1),<will_topic>,<will_message>]]"));
    Ok(Outcome::Ok)
}

fn configure(x: &mut Exchange<'_>) -> Answer {
    let limits = &x.profile().mqtt;
    let parameters = x.args.left();
    if !matches!(parameters, 1 | 3 | 7) {
        return Err(Fault::error(
            "the client id alone, or user name and password with it, or the four of the will with these",
        ));
    }
    let client = String::from(x.args.text(limits.name)?);
    let mut identity = Identity { client, ..Identity::default() };
    if parameters >= 3 {
        identity.user = x.args.opt_text(limits.name)?.unwrap_or_default().into();
        identity.password = x.args.opt_text(limits.name)?.unwrap_or_default().into();
    }
    if parameters == 7 {
        let qos = x.args.small(0..=2)?;
        let retain = x.args.flag()?;
        let topic = core::str::from_utf8(payload::quoted(x)?)
            .map_err(|_| Fault::error("the will's topic is not valid text"))?;
        let message = payload::unescape(payload::quoted(x)?);
        if topic.len() > limits.name || message.len() > limits.will {
            let (name, will) = (limits.name, limits.will);
            return Err(Fault::error(alloc::format!("the will's topic has at most {name} bytes, its message {will}")));
        }
        if !super::Client::is_topic(topic) {
            return Err(Fault::error("the will's topic is empty, or has a wildcard in it"));
        }
        identity.will = Some(Will { qos, retain, topic: topic.into(), message });
    }
    x.args.finish()?;
    x.module.families.mqtt.identity = identity;
    Ok(Outcome::Ok)
}
