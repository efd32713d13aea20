//! How messages are written in commands: quotes, `\xx`, MQTTMODE.

use alloc::vec::Vec;
use at::Arg;

use crate::command::{Answer, Command, Evidence, Fault, Outcome, Test, example, example_after};
use crate::exchange::Exchange;

pub(super) const MQTTMODE: Command = Command {
    syntax: &["AT+MQTTMODE=<0-1>   0 text (default), 1 hexadecimal digits", "AT+MQTTMODE?", "AT+MQTTMODE=?"],
    reference: "manual AT+MQTTMODE",
    evidence: Evidence::Documented,
    remarks: "With 1 the message of AT+MPUB is an even number of hexadecimal digits. Messages that come in are then shown as \
              digits, in capitals, behind the number of their bytes, not digits (assumed). AT+MPUBEX takes bytes in both modes \
              (assumed). Not stored; AT&F makes it 0 (assumed).",
    read: Some(read_mode),
    set: Some(set_mode),
    test: Test::Text("+MQTTMODE: (0,1)"),
    examples: &[
        example("AT+MQTTMODE=1", "\r\nOK\r\n"),
        example("AT+MQTTMODE?", "\r\n+MQTTMODE: 0\r\n\r\nOK\r\n"),
        example_after(&["AT+MQTTMODE=1"], "AT+MQTTMODE?", "\r\n+MQTTMODE: 1\r\n\r\nOK\r\n"),
        example("AT+MQTTMODE=?", "\r\n+MQTTMODE: (0,1)\r\n\r\nOK\r\n"),
        example("AT+MQTTMODE=2", "\r\nERROR\r\n"),
    ],
    ..Command::new("+MQTTMODE", "MQTT messages as text or as digits")
};

fn read_mode(x: &mut Exchange<'_>) -> Answer {
    let mode = u8::from(x.module.families.mqtt.hex);
    x.info(format_args!("+MQTTMODE: {mode}"));
    Ok(Outcome::Ok)
}

fn set_mode(x: &mut Exchange<'_>) -> Answer {
    let on = x.args.flag()?;
    x.args.finish()?;
    x.module.families.mqtt.hex = on;
    Ok(Outcome::Ok)
}

/// The next parameter, which needs its quotes.
pub(super) fn quoted<'a>(x: &mut Exchange<'a>) -> Result<&'a [u8], Fault> {
    match x.args.arg()? {
        Arg::Quoted(bytes) => Ok(bytes),
        Arg::Bare(_) | Arg::Omitted => Err(Fault::error("a message, and a will's topic, need double quotes around them")),
    }
}

/// `\22` is a quote, and so on; a backslash without two hexadecimal digits behind it stands for itself.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, tail)) = rest.split_first() {
        let digits = match (first, tail) {
            (b'\\', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        match digits {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = &tail[2..];
            }
            None => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    bytes
}

/// Bytes from hexadecimal digits.
pub(super) fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Hexadecimal digits of bytes.
pub(super) fn to_hex(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_two_digits() {
        assert_eq!(unescape(br"{\22a\22:\0D\0a\5C}"), b"{\"a\":\r\n\\}");
        assert_eq!(unescape(br"\x \2 \"), br"\x \2 \");
        assert_eq!(unescape(br"\\22"), b"\\\"");
    }

    #[test]
    fn digits_are_pairs() {
        assert_eq!(from_hex(b"313aFF"), Some(b"1:\xff".to_vec()));
        assert_eq!((from_hex(b"313"), from_hex(b"3g")), (None, None));
        assert_eq!(to_hex(b"1:\xff"), b"313AFF");
    }
}
