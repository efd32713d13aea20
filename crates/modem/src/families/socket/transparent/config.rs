//! CIPCCFG: how transparent mode packs what the host sends, and how it hands over what the peer sends.

use at::{ArgError, Args};
use core::fmt;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

/// What CIPCCFG says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packing {
    /// NmRetry: how often a packet is sent again. The computer's TCP decides that for itself.
    retries: u8,
    /// WaitTm: what does not fill a packet waits so long for more, in tenths of a second.
    wait_tenths: u8,
    /// SendSz: a packet of so many bytes leaves at once.
    send_size: u16,
    /// esc: means nothing, `+++` always works.
    escape: bool,
    /// Rxmode: what is received goes to the line in portions, with pauses.
    pub(super) paced: bool,
    /// RxSize: a portion, in bytes.
    pub(super) receive_size: u16,
    /// Rxtimer: a pause, in milliseconds.
    pub(super) receive_pause: u16,
    /// BufClean: what has not left when the connection ends is thrown away, instead of being the next one's first bytes.
    pub(super) discards: bool,
}

impl Default for Packing {
    fn default() -> Self {
        Self {
            retries: 5,
            wait_tenths: 2,
            send_size: 1024,
            escape: false,
            paced: false,
            receive_size: 1460,
            receive_pause: 50,
            discards: true,
        }
    }
}

impl Packing {
    /// The parameters of CIPCCFG, in order; those at the end may be left out.
    pub(in super::super) fn taken(mut self, args: &mut Args<'_>) -> Result<Self, ArgError> {
        self.retries = args.small(3..=8)?;
        self.wait_tenths = args.small(2..=10)?;
        self.send_size = word(args.number(1..=1460)?);
        self.escape = args.flag()?;
        if let Some(on) = args.opt_number(0..=1)? {
            self.paced = on == 1;
        }
        if let Some(size) = args.opt_number(50..=1460)? {
            self.receive_size = word(size);
        }
        if let Some(pause) = args.opt_number(20..=1000)? {
            self.receive_pause = word(pause);
        }
        if let Some(on) = args.opt_number(0..=1)? {
            self.discards = on == 1;
        }
        args.finish()?;
        Ok(self)
    }

    /// A packet in bytes; at least 1.
    pub(super) fn size(self) -> usize {
        usize::from(self.send_size).max(1)
    }

    /// How long bytes wait for more, in milliseconds.
    pub(super) fn wait(self) -> u64 {
        u64::from(self.wait_tenths) * 100
    }
}

impl fmt::Display for Packing {
    /// The eight values as CIPCCFG prints them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retries, wait_tenths, send_size, escape, paced, receive_size, receive_pause, discards } = self;
        let [escape, paced, discards] = [escape, paced, discards].map(|on| u8::from(*on));
        write!(
            f,
            "{retries},{wait_tenths},{send_size},{escape},{paced},{receive_size},{receive_pause},{discards}"
        )
    }
}

pub(in super::super) const CIPCCFG: Command = Command {
    syntax: &[
        "AT+CIPCCFG=<NmRetry 3-8>,<WaitTm 2-10>,<SendSz 1-1460>,<esc 0-1>[,<Rxmode 0-1>[,<RxSize 50-1460>[,<Rxtimer 20-1000>[,<BufClean 0-1>]]]]",
        "AT+CIPCCFG?",
        "AT+CIPCCFG=?",
    ],
    reference: "manual AT+CIPCCFG",
    evidence: Evidence::Documented,
    remarks: "Set with AT+CIPMUX=0 and AT+CIPMODE=1 only, else ERROR. Defaults 5,2,1024,0,0,1460,50,1 (Rxmode and RxSize: \
              assumed); what is left out stays. SendSz bytes leave at once, fewer WaitTm × 100 ms after the first of them \
              (assumed: not after the last). Rxmode 1: at most RxSize bytes to the line every Rxtimer ms. BufClean 0: what \
              had not left goes first on the next connection (assumed). NmRetry changes nothing: the computer's TCP repeats \
              as it does. esc changes nothing: +++ always works.",
    read: Some(read),
    set: Some(set),
    test: Test::Text(
        "+CIPCCFG: (NmRetry:3-8),(WaitTm:2-10),(SendSz:1-1460),(esc:0,1),(Rxmode:0,1),(RxSize:50-1460),(Rxtimer:20-1000),(BufClean:0,1)",
    ),
    examples: &[
        example("AT+CIPCCFG?", "\r\n+CIPCCFG: 5,2,1024,0,0,1460,50,1\r\n\r\nOK\r\n"),
        example_after(&["AT+CIPMODE=1"], "AT+CIPCCFG=3,10,1460,1", "\r\nOK\r\n"),
        example_after(
            &["AT+CIPMODE=1", "AT+CIPCCFG=8,2,1,0,1,50,1000,0"],
            "AT+CIPCCFG?",
            "\r\n+CIPCCFG: 8,2,1,0,1,50,1000,0\r\n\r\nOK\r\n",
        ),
        example("AT+CIPCCFG=5,2,1024,1", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMUX=1"], "AT+CIPCCFG=5,2,1024,1", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMODE=1"], "AT+CIPCCFG=2,2,1024,1", "\r\nERROR\r\n"),
        example_after(&["AT+CIPMODE=1"], "AT+CIPCCFG=5,2,1461,1", "\r\nERROR\r\n"),
        example(
            "AT+CIPCCFG=?",
            "\r\n+CIPCCFG: (NmRetry:3-8),(WaitTm:2-10),(SendSz:1-1460),(esc:0,1),(Rxmode:0,1),(RxSize:50-1460),(Rxtimer:20-1000),(BufClean:0,1)\r\n\r\nOK\r\n",
        ),
    ],
    ..Command::new("+CIPCCFG", "How transparent mode packs data")
};

fn read(x: &mut Exchange<'_>) -> Answer {
    let packing = x.module.families.socket.settings.packing;
    x.info(format_args!("+CIPCCFG: {packing}"));
    Ok(Outcome::Ok)
}

fn set(x: &mut Exchange<'_>) -> Answer {
    let settings = x.module.families.socket.settings;
    let packing = settings.packing.taken(&mut x.args)?;
    if settings.multi || !settings.transparent {
        return Err(Fault::error("AT+CIPCCFG is for transparent mode: AT+CIPMUX=0 and AT+CIPMODE=1 come before it"));
    }
    x.module.families.socket.settings.packing = packing;
    Ok(Outcome::Ok)
}

/// The ranges above all fit.
fn word(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
