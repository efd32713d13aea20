//! A module type as data. A sibling is another value, not another `if`.

mod air724ug;

pub use air724ug::{AIR724UG, AIR724UG_NO_SSL};

/// All profiles, by name.
pub const PROFILES: &[&Profile] = &[&AIR724UG, &AIR724UG_NO_SSL];

/// The profile called `name`, in any case.
#[must_use]
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().copied().find(|p| p.name.eq_ignore_ascii_case(name))
}

/// Everything in which one module type or firmware differs from another.
#[derive(Debug)]
pub struct Profile {
    /// How the command line calls it.
    pub name: &'static str,
    /// AT+CGMI.
    pub manufacturer: &'static str,
    /// AT+CGMM.
    pub model: &'static str,
    /// AT+CGMR and ATI.
    pub revision: &'static str,
    /// AT*I `HWver`.
    pub hardware: &'static str,
    /// AT^HVER.
    pub chip: &'static str,
    /// AT*I `Buildtime`.
    pub build_time: &'static str,
    /// First eight digits of the IMEI.
    pub tac: &'static str,
    /// MCC and MNC of the card and of its home network.
    pub plmn: &'static str,
    /// The operator's long and short name (AT+COPS formats 0 and 1).
    pub operator: (&'static str, &'static str),
    /// MCC and MNC of the network that the module is in while it roams.
    pub visited_plmn: &'static str,
    /// That network's long and short name.
    pub visited_operator: (&'static str, &'static str),
    /// First digits of the ICCID.
    pub iccid_prefix: &'static str,
    /// The country code of the card's numbers, and the first digits behind it.
    pub subscriber_prefix: (&'static str, &'static str),
    /// Digits behind the country code.
    pub subscriber_digits: usize,
    /// The service centre's number that the card brings, as dialled.
    pub service_center: &'static str,
    /// How many short messages the card and the module's own memory hold.
    pub message_capacity: MessageCapacity,
    /// AT+CMGF at power-on: whether messages are text.
    pub message_text: bool,
    /// AT+CNMI at power-on: mode, mt, bm, ds, bfr.
    pub message_indications: [u8; 5],
    /// The APN that the card brings.
    pub apn: &'static str,
    /// The packet context that is up after attach.
    pub default_cid: u8,
    /// TCP/UDP links, numbered from 0.
    pub links: u8,
    /// The most connections at once, whatever opened them.
    pub connections: u8,
    /// SSL contexts.
    pub ssl_contexts: &'static [u8],
    /// Cipher suites by IANA number, as 0XFFFF offers them.
    pub ssl_suites: &'static [u16],
    /// SSLCFG queries print the guide's two misprinted quotes.
    pub sslcfg_misprints: bool,
    /// Whether the firmware has CIPSSL and SSLCFG at all.
    pub ssl: bool,
    /// Longest command line in bytes.
    pub line_limit: usize,
    /// Most bytes from the host that wait while a command is open.
    pub line_queue: usize,
    /// Most bytes for the host that wait for a slow line before links are no longer read.
    pub line_backlog: usize,
    /// Largest CIPSEND, and largest +RECEIVE.
    pub segment: usize,
    /// Most received bytes of one link that wait to be fetched (CIPRXGET).
    pub receive_buffer: usize,
    /// Most payload bytes accepted by quick send (CIPQSEND=1) that the network has not taken yet.
    pub send_buffer: usize,
    /// Longest host name and APN, user, password.
    pub name_limits: NameLimits,
    /// The data prompt of CIPSEND and FSWRITE.
    pub prompt: &'static str,
    /// All files together, in bytes.
    pub file_capacity: u64,
    /// Longest file or directory name in bytes.
    pub file_name_limit: usize,
    /// Most bytes in one FSWRITE and FSREAD.
    pub file_chunk: u32,
    /// AT+CMEE at power-on.
    pub cmee: u8,
    /// What the boot ROM says on a UART, in front of everything else; as it is, without framing.
    pub boot_rom: &'static str,
    /// What a line says first after power-on.
    pub boot_messages: &'static [&'static str],
    /// Printed when service is found, in front of `+CGEV: ME PDN ACT`.
    pub service_messages: &'static [&'static str],
    /// The same where only GSM is to be had.
    pub gsm_messages: &'static [&'static str],
    /// Printed when service is lost, in front of `+CGEV`.
    pub no_service_messages: &'static [&'static str],
    /// Whether `+CPIN: READY` is printed at power-on too, not only after a PIN and a change of cards.
    pub card_ready_at_boot: bool,
    /// The highest that AT+CSCLK takes: 2, or 3 where there is an ultra-low power mode, which sleeps like 2.
    pub deepest_sleep: u8,
    /// AT+COPS? format at power-on: 0 long name, 1 short name, 2 numbers.
    pub operator_format: u8,
    /// The weakest signal, as AT+CSQ counts it, with which the module still registers.
    pub weakest_signal: u8,
    /// Bit error rate that AT+CSQ prints: 0 to 7, 99 unknown.
    pub bit_error_rate: u8,
    /// Supply voltage that AT+CBC prints, millivolts.
    pub supply_millivolts: u16,
    /// The network's time zone in quarters of an hour east of Greenwich.
    pub time_zone_quarters: i8,
    /// Whether `+NITZ` prints local time like AT+CCLK instead of UTC.
    pub nitz_is_local: bool,
    /// Whether AT+CIPPING takes 0 for echoes without end.
    pub endless_ping: bool,
    /// The clock at power-on, seconds since 1970-01-01 UTC.
    pub clock_at_boot: i64,
    /// MQTT.
    pub mqtt: MqttLimits,
    /// HTTP.
    pub http: HttpLimits,
    /// FTP.
    pub ftp: FtpLimits,
    /// When things happen.
    pub timing: Timing,
}

/// Short messages that a memory holds.
#[derive(Clone, Copy, Debug)]
pub struct MessageCapacity {
    /// "SM": the card.
    pub card: usize,
    /// "ME": the module.
    pub module: usize,
}

/// Longest texts in bytes.
#[derive(Clone, Copy, Debug)]
pub struct NameLimits {
    /// A host name.
    pub host: usize,
    /// An APN.
    pub apn: usize,
    /// A user name.
    pub user: usize,
    /// A password.
    pub password: usize,
}

/// Delays in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Power-on to the card answering.
    pub card_ready: u64,
    /// From all of card ready, coverage and AT+CFUN=1 to registered and attached.
    pub attach: u64,
    /// AT+CGATT=1 to attached, when registered.
    pub reattach: u64,
    /// How long AT+CGATT=1 waits for the network before it fails.
    pub attach_limit: u64,
    /// How long AT+COPS=? looks for networks.
    pub scan: u64,
    /// Registered to network time.
    pub network_time: u64,
    /// AT+CIICR to bearer up, when attached.
    pub bearer_up: u64,
    /// How long AT+CIICR waits for the network before it fails.
    pub bearer_limit: u64,
    /// How long AT+CNTP waits for the time server.
    pub network_time_server: u64,
    /// How long AT+CDNSGIP, and a connect, wait for a name server.
    pub resolve: u64,
    /// How long name resolution and TCP connect may take.
    pub connect: u64,
    /// How soon a name server says that it cannot.
    pub name_refused: u64,
    /// How long MCONNECT waits for the broker's answer before the connection is given up.
    pub mqtt_answer: u64,
    /// How long the module waits for the broker's answer to a PINGREQ.
    pub mqtt_ping: u64,
    /// How long a connection to an HTTP server is kept for the next request.
    pub http_idle: u64,
    /// How long MPUBEX waits for the next byte.
    pub message_gap: u64,
    /// How long the power key has to be low to switch the module on.
    pub power_key: u64,
    /// How long the reset pin has to be low to restart the module.
    pub reset_pin: u64,
    /// How long the radio has to be off (AT+CFUN=4) to cure an attach that hangs.
    pub flight: u64,
    /// How long CIPSEND waits for the network to take the data.
    pub send: u64,
    /// How long CIPSEND with CIPQSEND=2 waits for the peer's ACK.
    pub acknowledge: u64,
    /// How long AT+CNMA may take after a message that asks for it.
    pub message_acknowledge: u64,
    /// How long a slow CIPCLOSE waits for the peer.
    pub close: u64,
    /// `+++`: the least silence before it, …
    pub escape_before: u64,
    /// … the most from the first to the third sign, …
    pub escape_within: u64,
    /// … and the least silence behind it.
    pub escape_after: u64,
    /// The last answer (`OK`, `NORMAL POWER DOWN`) to the module being down.
    pub shutdown: u64,
    /// AT+CSCLK=2: how long nothing may have been said before the module sleeps for the first time.
    pub sleep: u64,
    /// A byte that wakes the module to the first that it hears.
    pub wake: u64,
    /// How long RI is on when a line says something unsolicited; 0: it stays off.
    pub ring: u64,
    /// AT+RESET, AT+CFUN=1,1: down to the first boot message.
    pub reboot: u64,
}

/// What MQTT takes, in bytes where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct MqttLimits {
    /// The link number that the session has.
    pub link: u8,
    /// Its SSL context.
    pub context: u8,
    /// Client id, user name, password, topics, each.
    pub name: usize,
    /// The will's message.
    pub will: usize,
    /// What MPUB publishes, as it leaves.
    pub message: usize,
    /// What MPUBEX publishes.
    pub raw_message: usize,
    /// The longest message that is taken from the broker; longer ones are lost.
    pub inbound: usize,
    /// How many messages the cache holds.
    pub slots: usize,
    /// How many packets may wait for the broker's answer at the same time.
    pub in_flight: usize,
}

/// What HTTP takes, in bytes where nothing else is said.
#[derive(Clone, Copy, Debug)]
pub struct HttpLimits {
    /// Its SSL context; also the number that its connections have in explanations.
    pub context: u8,
    /// What HTTPDATA takes and what of a reply is kept: one buffer for both.
    pub buffer: usize,
    /// The URL.
    pub url: usize,
    /// Every other text of HTTPPARA.
    pub text: usize,
    /// All headers of USER_DEFINED together.
    pub headers: usize,
    /// UA at first.
    pub agent: &'static str,
    /// The longest head of a reply, status line and header lines together, and the longest trailer.
    pub head: usize,
    /// How many redirects in a row are followed.
    pub redirects: u8,
    /// The longest file name of HTTPGET.
    pub path: usize,
}

/// What FTP takes and how long it waits.
#[derive(Clone, Copy, Debug)]
pub struct FtpLimits {
    /// The SSL context of both connections.
    pub context: u8,
    /// The numbers of the control and of the data connection, for logs.
    pub links: (u8, u8),
    /// Server, user name, password, each.
    pub name: usize,
    /// AT+FTPGETNAME and AT+FTPPUTNAME, each.
    pub file: usize,
    /// AT+FTPGETPATH.
    pub get_path: usize,
    /// AT+FTPPUTPATH.
    pub put_path: usize,
    /// Whether AT+FTPTYPE is "A" at power-on; otherwise "I".
    pub ascii: bool,
    /// The path of AT+FTPPUTFRMFS and AT+FTPFILEPUT.
    pub path: usize,
    /// The longest file of AT+FTPEXTGET.
    pub download: usize,
    /// The longest file of AT+FTPEXTPUT and AT+FTPFILEPUT.
    pub upload: usize,
    /// How often AT+FTPGETTOFS and AT+FTPPUTFRMFS connect again where nothing is said.
    pub reconnects: u32,
    /// Seconds before each.
    pub reconnect_pause: u32,
    /// The most bytes of one AT+FTPPUT=2.
    pub put: u16,
    /// The most bytes of one AT+FTPGET=2 and AT+FTPLIST=2.
    pub get: u16,
    /// AT+FTPTIMEOUT at power-on: how long the server may take for its next word or bytes, in seconds.
    pub answer: u32,
    /// How long the server may take to say goodbye, in milliseconds.
    pub goodbye: u64,
    /// AT+FTPQUIT's OK to the end of the session, in milliseconds.
    pub quit: u64,
    /// How long an upload waits for the host's next AT+FTPPUT=2 before the file is closed, in milliseconds.
    pub put_idle: u64,
    /// How long AT+FTPPUT=2 waits for the next byte, in milliseconds.
    pub put_gap: u64,
    /// A download that is over, and of which the host has read a part: how long after its last read the session ends with data
    /// unread, in milliseconds.
    pub get_idle: u64,
}
