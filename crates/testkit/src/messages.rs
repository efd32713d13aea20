//! The network's short messages: what the module has sent, and what comes in.

use std::collections::VecDeque;

use modem::Query;
use pdu::{Address, Deliver, Report, Stamp, Tpdu};
use transcript::{SmsStep, StageError};

/// The messages that no step has looked at, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    sent: VecDeque<(String, Vec<u8>)>,
    /// Marks the parts of long texts.
    reference: u8,
}

/// The most messages that are kept.
const LIMIT: usize = 1000;

impl Messages {
    /// The module asks something; perhaps it is a message.
    pub(crate) fn sent(&mut self, question: &Query) {
        if let Query::Message { destination, tpdu } = question {
            if self.sent.len() == LIMIT {
                self.sent.pop_front();
            }
            self.sent.push_back((destination.clone(), tpdu.clone()));
        }
    }

    /// The TPDUs that a step brings; or what is missing yet.
    pub(crate) fn step(
        &mut self,
        step: &SmsStep,
        stamp: Stamp,
    ) -> Result<Result<Vec<Vec<u8>>, StageError>, StageError> {
        let failed = |text: String| StageError::Failed(text);
        match step {
            SmsStep::Pdu(bytes) => Ok(Ok(vec![bytes.clone()])),
            SmsStep::Deliver { from, text } => {
                let from = Address::parse(from).map_err(|error| failed(format!("{from}: {error}")))?;
                self.reference = self.reference.wrapping_add(1);
                let parts = Deliver::texts(&from, text, stamp, self.reference);
                let parts = parts.map_err(|error| failed(error.to_string()))?;
                Ok(Ok(parts.iter().map(Deliver::bytes).collect()))
            }
            SmsStep::Report { reference, to, status } => {
                let recipient = Address::dialled(to).map_err(|error| failed(format!("{to}: {error}")))?;
                let report = Report {
                    flags: 4,
                    reference: *reference,
                    recipient,
                    stamp,
                    discharge: stamp,
                    status: *status,
                    more: Vec::new(),
                };
                Ok(Ok(vec![report.bytes()]))
            }
            SmsStep::Expect { to, text } => {
                let Some((destination, tpdu)) = self.sent.pop_front() else {
                    return Ok(Err(failed("the module has sent no other message".into())));
                };
                let got = match Tpdu::parse(&tpdu) {
                    Ok(Tpdu::Submit(submit)) => submit.data.text(submit.scheme, submit.headers()),
                    _ => None,
                };
                let got = format!("{destination} {}", got.unwrap_or_else(|| "(no text)".into()));
                let expected = format!("{to} {text}");
                if got == expected {
                    return Ok(Ok(Vec::new()));
                }
                let what = "the next message that the module has sent".into();
                Err(StageError::Differs { what, expected: expected.into_bytes(), got: got.into_bytes() })
            }
        }
    }
}
