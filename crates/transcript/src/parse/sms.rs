//! What stands behind `@sms`.

use super::scan::{Fault, Scan};
use crate::outside::SmsStep;
use crate::step::Action;

const NUMBER: &str = "a number";

/// Behind `@sms`.
pub(super) fn sms(scan: &mut Scan<'_>) -> Result<Action, Fault> {
    const ALLOWED: &str = "there are @sms deliver from NUMBER \"TEXT\", deliver pdu DIGITS, report REFERENCE to NUMBER status \
                           STATUS, and expect to NUMBER \"TEXT\"";
    let at = scan.next_at();
    let step = match (scan.word(), scan.word()) {
        ("deliver", "from") => {
            SmsStep::Deliver { from: scan.some_word("a number or a name")?.into(), text: text(scan)? }
        }
        ("deliver", "pdu") => SmsStep::Pdu(scan.value("an even count of hexadecimal digits", octets)?),
        ("report", reference) => {
            let reference = reference.parse().map_err(|_| Fault::new(at, ALLOWED))?;
            keyword(scan, "to")?;
            let to = scan.some_word(NUMBER)?.into();
            keyword(scan, "status")?;
            SmsStep::Report { reference, to, status: scan.number("a status of 0 to 255")? }
        }
        ("expect", "to") => SmsStep::Expect { to: scan.some_word(NUMBER)?.into(), text: text(scan)? },
        _ => return Err(Fault::new(at, ALLOWED)),
    };
    Ok(Action::Sms(step))
}

fn keyword(scan: &mut Scan<'_>, word: &str) -> Result<(), Fault> {
    scan.value(word, |found| (found == word).then_some(()))
}

fn text(scan: &mut Scan<'_>) -> Result<String, Fault> {
    let at = scan.next_at();
    String::from_utf8(scan.quoted()?).map_err(|_| Fault::new(at, "the text has to be UTF-8"))
}

fn octets(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect()
}
