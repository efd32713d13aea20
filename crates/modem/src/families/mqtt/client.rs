//! The protocol: what this family asks of `mqtt-protocol-core`, and nothing else of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, TimerKind};
use mqtt_protocol_core::mqtt::packet::{GenericPacketTrait, Qos, SubEntry, SubOpts};
use mqtt_protocol_core::mqtt::packet::GenericPacket;
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, MqttError};
use mqtt_protocol_core::mqtt::{self, Connection, Version, packet::v3_1_1, role};

use super::config::Identity;

/// The longest packet that is taken from a broker; a longer one ends the connection.
const LONGEST_PACKET: u32 = 64 * 1024;

type Packet = GenericPacket<u16>;

/// One end of an MQTT session.
pub(super) struct Client {
    /// Made with the first session: most modules never have one.
    connection: Option<Box<Connection<role::Client>>>,
    /// Packet identifiers in use.
    in_flight: usize,
    /// Whose session this is, if it outlives its connection.
    session_of: Option<alloc::string::String>,
    /// How long a PINGREQ waits, in milliseconds.
    ping_limit: u64,
}

impl fmt::Debug for Client {
    /// Without what it holds, which is payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("in_flight", &self.in_flight).finish_non_exhaustive()
    }
}

/// A CONNECT to send as soon as there is a connection. Its `Debug` form hides the credentials.
pub(super) struct Greeting {
    packet: v3_1_1::Connect,
}

impl fmt::Debug for Greeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Greeting").field("clean", &self.packet.clean_session()).finish_non_exhaustive()
    }
}

/// The keep-alive's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ping {
    /// Time for a PINGREQ.
    Send,
    /// The broker's answer is late.
    Response,
}

/// What has to happen.
pub(super) enum Event {
    /// These bytes go to the broker.
    Send(Vec<u8>),
    /// A timer is armed so many milliseconds from now, or disarmed.
    Timer(Ping, Option<u64>),
    /// The session is accepted.
    Accepted,
    /// The session is refused, for this reason.
    Refused(&'static str),
    /// SUBACK; whether the subscription was taken.
    Subscribed(bool),
    Unsubscribed,
    PubAck,
    PubRec,
    PubComp,
    /// A message from the broker.
    Message { topic: alloc::string::String, payload: Vec<u8> },
    /// The connection has to be closed, because of this.
    Broken(&'static str),
}

/// From the parameter's number.
pub(super) fn qos(number: u8) -> Qos {
    match number {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    }
}

impl Greeting {
    /// CONNECT with an identity. `Err`: it cannot be written as MQTT wants it.
    pub(super) fn new(identity: &Identity, default_id: &str, clean: bool, keep_alive: u16) -> Result<Self, MqttError> {
        let id = if identity.client.is_empty() { default_id } else { &identity.client };
        let mut builder = v3_1_1::Connect::builder().client_id(id)?.clean_session(clean).keep_alive(keep_alive);
        // MQTT 3.1.1 3.1.2.9: no password without a user name.
        if !identity.user.is_empty() {
            builder = builder.user_name(identity.user.as_str())?;
            if !identity.password.is_empty() {
                builder = builder.password(identity.password.as_bytes().to_vec())?;
            }
        }
        if let Some(will) = &identity.will {
            builder = builder.will_message(
                will.topic.as_str(),
                will.message.clone(),
                qos(will.qos),
                will.retain,
            )?;
        }
        Ok(Self { packet: builder.build()? })
    }
}

impl Client {
    pub(super) fn new(ping_limit: u64) -> Self {
        Self { connection: None, in_flight: 0, session_of: None, ping_limit }
    }

    fn connection(&mut self) -> &mut Connection<role::Client> {
        let ping_limit = self.ping_limit;
        self.connection.get_or_insert_with(|| {
            let options = ConnectionOptions::new().maximum_packet_size_recv(LONGEST_PACKET);
            let mut connection = Box::new(Connection::with_options(Version::V3_1_1, options));
            connection.set_pingresp_recv_timeout(ping_limit);
            connection
        })
    }

    /// How many packets wait for the broker's answer.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// CONNECT. A session of another client, or a clean one, begins with nothing.
    pub(super) fn connect(&mut self, greeting: Greeting) -> Vec<Event> {
        let packet = greeting.packet;
        let same = self.session_of.as_deref() == Some(packet.client_id());
        if packet.clean_session() || !same {
            *self = Self::new(self.ping_limit);
        }
        self.session_of = (!packet.clean_session()).then(|| packet.client_id().into());
        let events = self.connection().send(packet.into());
        self.translate(events)
    }

    pub(super) fn disconnect(&mut self) -> Vec<Event> {
        let Ok(packet) = v3_1_1::Disconnect::builder().build() else { return Vec::new() };
        let events = self.connection().send(packet.into());
        // That the client closes the connection now is left to the host (AT+MIPCLOSE).
        let events = self.translate(events);
        events.into_iter().filter(|event| !matches!(event, Event::Broken(_))).collect()
    }

    /// The connection is gone.
    pub(super) fn closed(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let events = connection.notify_closed();
        self.translate(events);
    }

    pub(super) fn subscribe(&mut self, topic: &str, quality: u8) -> Result<Vec<Event>, MqttError> {
        let entry = SubEntry::new(topic, SubOpts::new().set_qos(qos(quality)))?;
        self.with_id(|id| {
            let packet = v3_1_1::Subscribe::builder().packet_id(id).entries(alloc::vec![entry]).build()?;
            Ok(packet.into())
        })
    }

    pub(super) fn unsubscribe(&mut self, topic: &str) -> Result<Vec<Event>, MqttError> {
        self.with_id(|id| {
            let builder = v3_1_1::Unsubscribe::builder().packet_id(id).entries(alloc::vec![topic])?;
            Ok(builder.build()?.into())
        })
    }

    pub(super) fn publish(
        &mut self,
        topic: &str,
        quality: u8,
        retain: bool,
        payload: Vec<u8>,
    ) -> Result<Vec<Event>, MqttError> {
        let builder = v3_1_1::Publish::builder().topic_name(topic)?.qos(qos(quality)).retain(retain).payload(payload);
        if quality == 0 {
            let packet = builder.build()?;
            let events = self.connection().send(packet.into());
            return Ok(self.translate(events));
        }
        self.with_id(|id| Ok(builder.packet_id(id).build()?.into()))
    }

    /// Whether a name can be published to: not empty, no wildcards, nothing that MQTT forbids.
    pub(super) fn is_topic(topic: &str) -> bool {
        v3_1_1::Publish::builder().topic_name(topic).is_ok_and(|builder| builder.build().is_ok())
    }

    /// A timer is due.
    pub(super) fn timer(&mut self, ping: Ping) -> Vec<Event> {
        let events = self.connection().notify_timer_fired(match ping {
            Ping::Send => TimerKind::PingreqSend,
            Ping::Response => TimerKind::PingrespRecv,
        });
        self.translate(events)
    }

    /// Takes bytes from the broker, one packet or what there is of it: what it means.
    pub(super) fn receive(&mut self, bytes: &mut &[u8]) -> Vec<Event> {
        let mut cursor = Cursor::new(*bytes);
        let events = self.connection().recv(&mut cursor);
        let taken = usize::try_from(cursor.position()).unwrap_or(bytes.len()).min(bytes.len());
        *bytes = &bytes[taken..];
        self.translate(events)
    }

    /// Sends a packet that has an identifier of its own.
    fn with_id(
        &mut self,
        make: impl FnOnce(u16) -> Result<Packet, MqttError>,
    ) -> Result<Vec<Event>, MqttError> {
        let id = self.connection().acquire_packet_id()?;
        match make(id) {
            Ok(packet) => {
                self.in_flight += 1;
                let events = self.connection().send(packet);
                Ok(self.translate(events))
            }
            Err(error) => {
                self.connection().release_packet_id(id);
                Err(error)
            }
        }
    }

    fn translate(&mut self, events: Vec<mqtt::connection::Event>) -> Vec<Event> {
        use mqtt::connection::GenericEvent as Given;
        let mut translated = Vec::new();
        let mut closes = false;
        for event in events {
            let event = match event {
                Given::RequestSendPacket { packet, .. } => Some(Event::Send(packet.to_continuous_buffer())),
                Given::RequestTimerReset { kind, duration_ms } => timer(kind).map(|ping| Event::Timer(ping, Some(duration_ms))),
                Given::RequestTimerCancel(kind) => timer(kind).map(|ping| Event::Timer(ping, None)),
                Given::NotifyPacketReceived(packet) => {
                    let answer = self.answer(&packet);
                    translated.extend(answer);
                    self.received(packet)
                }
                Given::NotifyPacketIdReleased(_) => {
                    self.in_flight = self.in_flight.saturating_sub(1);
                    None
                }
                Given::NotifyError(error) => Some(Event::Broken(words(error))),
                // An error says more about it.
                Given::RequestClose => {
                    closes = true;
                    None
                }
            };
            translated.extend(event);
        }
        if closes && !translated.iter().any(|event| matches!(event, Event::Broken(_))) {
            translated.push(Event::Broken("the broker did not answer PINGREQ in time"));
        }
        translated
    }

    /// Acknowledges a packet. Here, not in the library, which cannot do it for the identifier 0 of a broken broker.
    fn answer(&mut self, packet: &Packet) -> Vec<Event> {
        let answer: Result<Packet, MqttError> = match packet {
            Packet::V3_1_1Publish(packet) => match (packet.qos(), packet.packet_id().unwrap_or_default()) {
                (Qos::AtMostOnce, _) => return Vec::new(),
                (Qos::AtLeastOnce, id) => v3_1_1::Puback::builder().packet_id(id).build().map(Into::into),
                (Qos::ExactlyOnce, id) => v3_1_1::Pubrec::builder().packet_id(id).build().map(Into::into),
            },
            Packet::V3_1_1Pubrec(packet) => {
                v3_1_1::Pubrel::builder().packet_id(packet.packet_id()).build().map(Into::into)
            }
            Packet::V3_1_1Pubrel(packet) => {
                v3_1_1::Pubcomp::builder().packet_id(packet.packet_id()).build().map(Into::into)
            }
            _ => return Vec::new(),
        };
        match answer {
            Ok(packet) => {
                let events = self.connection().send(packet);
                self.translate(events)
            }
            Err(error) => {
                let mut handled = self.connection().get_qos2_publish_handled();
                handled.remove(&0);
                self.connection().restore_qos2_publish_handled(handled);
                alloc::vec![Event::Broken(words(error))]
            }
        }
    }

    fn received(&mut self, packet: Packet) -> Option<Event> {
        Some(match packet {
            Packet::V3_1_1Connack(packet) => match packet.return_code() {
                ConnectReturnCode::Accepted => {
                    if !packet.session_present() {
                        // The broker remembers nothing, so identifiers mean nothing any more.
                        self.in_flight = 0;
                        self.connection().restore_qos2_publish_handled(Default::default());
                    }
                    Event::Accepted
                }
                code => Event::Refused(refusal(code)),
            },
            Packet::V3_1_1Suback(packet) => Event::Subscribed(packet.return_codes().iter().all(|code| code.is_success())),
            Packet::V3_1_1Unsuback(_) => Event::Unsubscribed,
            Packet::V3_1_1Puback(_) => Event::PubAck,
            Packet::V3_1_1Pubrec(_) => Event::PubRec,
            Packet::V3_1_1Pubcomp(_) => Event::PubComp,
            Packet::V3_1_1Publish(packet) => {
                Event::Message { topic: packet.topic_name().into(), payload: packet.payload().as_slice().to_vec() }
            }
            _ => return None,
        })
    }
}

fn timer(kind: TimerKind) -> Option<Ping> {
    match kind {
        TimerKind::PingreqSend => Some(Ping::Send),
        TimerKind::PingrespRecv => Some(Ping::Response),
        // A broker's.
        TimerKind::PingreqRecv => None,
    }
}

fn words(error: MqttError) -> &'static str {
    match error {
        MqttError::PacketTooLarge => "the broker sent a packet that is longer than the module takes",
        _ => "what the broker sent is not MQTT 3.1.1, or not at this moment",
    }
}

fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Accepted => "accepted",
        ConnectReturnCode::UnacceptableProtocolVersion => "the broker refuses MQTT 3.1.1 (code 1)",
        ConnectReturnCode::IdentifierRejected => "the broker refuses the client id (code 2): AT+MCONFIG sets it",
        ConnectReturnCode::ServerUnavailable => "the broker is not available (code 3)",
        ConnectReturnCode::BadUserNameOrPassword => "user name or password are wrong (code 4): AT+MCONFIG sets them",
        ConnectReturnCode::NotAuthorized => "the broker does not let this client in (code 5): AT+MCONFIG sets who it is",
    }
}
