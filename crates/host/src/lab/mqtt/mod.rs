//! A small MQTT 3.1.1 broker in memory: retained messages, QoS 0 to 2, wills, wildcards, sessions that outlive their connection.
//! Everybody may do everything. Bounded everywhere; what a client does not take is lost.

mod hub;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use mqtt_protocol_core::mqtt::common::Cursor;
use mqtt_protocol_core::mqtt::connection::{ConnectionOptions, GenericEvent, TimerKind};
use mqtt_protocol_core::mqtt::packet::{GenericPacket, GenericPacketTrait, Qos, v3_1_1};
use mqtt_protocol_core::mqtt::result_code::{ConnectReturnCode, SubackReturnCode};
use mqtt_protocol_core::mqtt::{Connection, Version, role};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::Receiver;
use tokio::time::{Instant, timeout};

use hub::{Hub, Leftover, Message, Seat};

/// The longest packet.
const PACKET: u32 = 256 * 1024;
/// Messages that a client has not acknowledged; the next wait.
const IN_FLIGHT: usize = 32;
/// How long a client has for its CONNECT.
const GREETING: Duration = Duration::from_secs(5);
/// How long it may take nothing.
const STALL: Duration = Duration::from_secs(60);

type Packet = GenericPacket<u16>;

/// The broker, shared by its ports.
#[derive(Clone, Debug, Default)]
pub(super) struct Broker(Arc<Hub>);

/// One client.
struct Client {
    hub: Arc<Hub>,
    connection: Connection<role::Server>,
    id: String,
    generation: u64,
    will: Option<Message>,
    inlet: Option<Receiver<Message>>,
    in_flight: usize,
    /// When the client has been silent for too long.
    deadline: Option<Instant>,
    /// Bytes that have to go out.
    out: Vec<u8>,
    /// Retained messages and those that waited: before everything that comes.
    first: Vec<Message>,
    over: bool,
}

impl Broker {
    /// Serves a client until it leaves, breaks the protocol or is silent for too long. Tells how many bytes came.
    ///
    /// # Errors
    /// What the connection says.
    pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) -> io::Result<u64> {
        let options = ConnectionOptions::new().maximum_packet_size_recv(PACKET);
        let mut client = Client {
            hub: Arc::clone(&self.0),
            connection: Connection::with_options(Version::V3_1_1, options),
            id: String::new(),
            generation: 0,
            will: None,
            inlet: None,
            in_flight: 0,
            deadline: Some(Instant::now() + GREETING),
            out: Vec::new(),
            first: Vec::new(),
            over: false,
        };
        let result = client.run(&mut stream).await;
        client.leave();
        let _ = timeout(STALL, stream.shutdown()).await;
        result
    }
}

/// What a client waits for.
enum Next {
    Bytes(io::Result<usize>),
    Message(Option<Message>),
    Silence,
}

impl Client {
    async fn run<S: AsyncRead + AsyncWrite + Unpin>(&mut self, stream: &mut S) -> io::Result<u64> {
        let mut buffer = vec![0; 16 << 10];
        let mut total = 0;
        loop {
            while self.in_flight < IN_FLIGHT && !self.first.is_empty() {
                let message = self.first.remove(0);
                self.deliver(message);
            }
            if !self.out.is_empty() {
                let out = std::mem::take(&mut self.out);
                let written = timeout(STALL, async {
                    stream.write_all(&out).await?;
                    stream.flush().await
                });
                written.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
            }
            if self.over {
                return Ok(total);
            }
            match self.next(stream, &mut buffer).await {
                Next::Bytes(count) => {
                    let count = count?;
                    if count == 0 {
                        return Ok(total);
                    }
                    total += count as u64;
                    self.receive(&buffer[..count]);
                }
                Next::Message(Some(message)) => self.deliver(message),
                // Another client has taken this one's place.
                Next::Message(None) => return Ok(total),
                Next::Silence => return Err(io::ErrorKind::TimedOut.into()),
            }
        }
    }

    async fn next<S: AsyncRead + Unpin>(&mut self, stream: &mut S, buffer: &mut [u8]) -> Next {
        let deadline = self.deadline;
        let silence = async move {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let takes = self.in_flight < IN_FLIGHT;
        let inlet = &mut self.inlet;
        let message = async {
            match inlet {
                Some(inlet) if takes => inlet.recv().await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            count = stream.read(buffer) => Next::Bytes(count),
            message = message => Next::Message(message),
            () = silence => Next::Silence,
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        let mut cursor = Cursor::new(bytes);
        while !self.over && cursor.position() < bytes.len() as u64 {
            let events = self.connection.recv(&mut cursor);
            self.act(events);
        }
    }

    fn act(&mut self, events: Vec<GenericEvent<u16>>) {
        for event in events {
            match event {
                GenericEvent::RequestSendPacket { packet, .. } => {
                    self.out.extend(packet.to_continuous_buffer());
                }
                GenericEvent::NotifyPacketReceived(packet) => self.packet(packet),
                GenericEvent::NotifyPacketIdReleased(_) => self.in_flight = self.in_flight.saturating_sub(1),
                GenericEvent::RequestTimerReset { kind: TimerKind::PingreqRecv, duration_ms } => {
                    self.deadline = Some(Instant::now() + Duration::from_millis(duration_ms));
                }
                GenericEvent::RequestTimerCancel(TimerKind::PingreqRecv) => self.deadline = None,
                GenericEvent::RequestTimerReset { .. } | GenericEvent::RequestTimerCancel(_) => {}
                GenericEvent::NotifyError(_) | GenericEvent::RequestClose => self.over = true,
            }
        }
    }

    fn send(&mut self, packet: Result<impl Into<Packet>, impl Sized>) {
        match packet {
            Ok(packet) => {
                let events = self.connection.send(packet.into());
                self.act(events);
            }
            // A client's identifier 0, for example.
            Err(_) => self.over = true,
        }
    }

    fn packet(&mut self, packet: Packet) {
        match packet {
            Packet::V3_1_1Connect(packet) => self.greeted(&packet),
            Packet::V3_1_1Publish(packet) => {
                let id = packet.packet_id().unwrap_or_default();
                match packet.qos() {
                    Qos::AtMostOnce => {}
                    Qos::AtLeastOnce => self.send(v3_1_1::Puback::builder().packet_id(id).build()),
                    Qos::ExactlyOnce => self.send(v3_1_1::Pubrec::builder().packet_id(id).build()),
                }
                if !self.over {
                    self.hub.publish(&Message {
                        topic: packet.topic_name().to_owned(),
                        payload: packet.payload().as_slice().to_vec(),
                        qos: packet.qos(),
                        retain: packet.retain(),
                    });
                }
            }
            Packet::V3_1_1Pubrec(packet) => {
                self.send(v3_1_1::Pubrel::builder().packet_id(packet.packet_id()).build());
            }
            Packet::V3_1_1Pubrel(packet) => {
                self.send(v3_1_1::Pubcomp::builder().packet_id(packet.packet_id()).build());
            }
            Packet::V3_1_1Subscribe(packet) => self.subscribed(&packet),
            Packet::V3_1_1Unsubscribe(packet) => {
                for filter in packet.entries() {
                    self.hub.unsubscribe(&self.id, filter.as_str());
                }
                self.send(v3_1_1::Unsuback::builder().packet_id(packet.packet_id()).build());
            }
            Packet::V3_1_1Pingreq(_) => self.send(v3_1_1::Pingresp::builder().build()),
            Packet::V3_1_1Disconnect(_) => {
                self.will = None;
                self.over = true;
            }
            _ => {}
        }
    }

    fn greeted(&mut self, packet: &v3_1_1::Connect) {
        self.deadline = self.deadline.filter(|_| packet.keep_alive() > 0);
        let refuse = |code| v3_1_1::Connack::builder().session_present(false).return_code(code).build();
        // MQTT 3.1.1, 3.1.3.1: a client without a name gets one, if nothing is to be kept for it.
        let id = match packet.client_id() {
            "" if packet.clean_session() => self.hub.name(),
            "" => return self.send(refuse(ConnectReturnCode::IdentifierRejected)),
            id => id.to_owned(),
        };
        let Some(seat) = self.hub.enter(&id, packet.clean_session()) else {
            return self.send(refuse(ConnectReturnCode::ServerUnavailable));
        };
        let Seat { generation, inlet, present, leftover, waiting } = seat;
        (self.id, self.generation, self.inlet) = (id, generation, Some(inlet));
        self.will = packet.will_topic().map(|topic| Message {
            topic: topic.to_owned(),
            payload: packet.will_payload().unwrap_or_default().to_vec(),
            qos: packet.will_qos(),
            retain: packet.will_retain(),
        });
        self.in_flight = leftover.packets.len();
        self.connection.restore_packets(leftover.packets);
        self.connection.restore_qos2_publish_handled(leftover.handled.into_iter().collect());
        self.first.extend(waiting);
        let accept =
            v3_1_1::Connack::builder().session_present(present).return_code(ConnectReturnCode::Accepted);
        self.send(accept.build());
    }

    fn subscribed(&mut self, packet: &v3_1_1::Subscribe) {
        let mut codes = Vec::new();
        for entry in packet.entries() {
            let qos = entry.sub_opts().qos();
            codes.push(match self.hub.subscribe(&self.id, entry.topic_filter(), qos) {
                None => SubackReturnCode::Failure,
                Some(retained) => {
                    self.first.extend(retained);
                    match qos {
                        Qos::AtMostOnce => SubackReturnCode::SuccessMaximumQos0,
                        Qos::AtLeastOnce => SubackReturnCode::SuccessMaximumQos1,
                        Qos::ExactlyOnce => SubackReturnCode::SuccessMaximumQos2,
                    }
                }
            });
        }
        self.send(v3_1_1::Suback::builder().packet_id(packet.packet_id()).return_codes(codes).build());
    }

    /// A message for the client.
    fn deliver(&mut self, message: Message) {
        let Message { topic, payload, qos, retain } = message;
        let Ok(builder) = v3_1_1::Publish::builder().topic_name(topic) else { return };
        let builder = builder.qos(qos).retain(retain).payload(payload);
        if qos == Qos::AtMostOnce {
            return self.send(builder.build());
        }
        // There are more of them than may be in flight.
        let Ok(id) = self.connection.acquire_packet_id() else { return };
        self.in_flight += 1;
        self.send(builder.packet_id(id).build());
    }

    /// The end: the will, and what the session keeps.
    fn leave(&mut self) {
        if self.id.is_empty() {
            return;
        }
        let mut rest = std::mem::take(&mut self.first);
        if let Some(inlet) = &mut self.inlet {
            while let Ok(message) = inlet.try_recv() {
                rest.push(message);
            }
        }
        let packets = self.connection.get_stored_packets();
        let handled = self.connection.get_qos2_publish_handled().into_iter().collect();
        self.hub.leave(&self.id, self.generation, Leftover { packets, handled }, rest);
        if let Some(will) = self.will.take() {
            self.hub.publish(&will);
        }
    }
}
