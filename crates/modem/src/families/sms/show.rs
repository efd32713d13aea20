//! Messages as the host sees them, in text and in PDU mode (TS 27.005 3.1).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use pdu::{Address, Deliver, Report, Submit, Tpdu, split_center, to_hex};

use super::charset::{data_length, data_to_host, number_to_host};
use super::mailbox::Stored;
use super::settings::Shown;
use crate::families::identity::{self, CharacterSet};
use crate::module::Module;

/// A header line without its name, and the line of data that follows it, if any.
pub(super) struct Text {
    pub(super) header: String,
    pub(super) data: Option<Vec<u8>>,
}

/// How much is shown, and in which characters.
#[derive(Clone, Copy)]
pub(super) struct View {
    set: CharacterSet,
    /// AT+CMGF=1.
    pub(super) text: bool,
    /// AT+CSDH=1.
    headers: bool,
}

impl View {
    pub(super) fn of(module: &Module) -> Self {
        let sms = &module.families.sms;
        Self { set: identity::character_set(module), text: sms.text, headers: sms.headers }
    }

    /// For +CMGR: behind `+CMGR: `.
    pub(super) fn one(self, stored: &Stored) -> Text {
        let status = stored.status;
        match read(&stored.pdu).filter(|_| self.text) {
            None => pdu_text(&format!("{},,", status.number()), &stored.pdu),
            Some((center, Tpdu::Deliver(deliver))) => {
                let mut text = self.deliver(&deliver, center.as_ref());
                text.header = format!("\"{}\",{}", status.name(), text.header);
                text
            }
            Some((center, Tpdu::Submit(submit))) => {
                let mut header = format!("\"{}\",\"{}\",", status.name(), self.number(&submit.destination));
                if self.headers {
                    header += &format!(
                        ",{},{},{},{},{},{},{}",
                        submit.destination.kind,
                        submit.first(),
                        submit.protocol,
                        submit.scheme,
                        Shown(submit.validity),
                        self.center(center.as_ref()),
                        data_length(submit.scheme, submit.headers(), &submit.data),
                    );
                }
                Text { header, data: Some(self.submit_data(&submit)) }
            }
            Some((_, Tpdu::Report(report))) => {
                Text { header: format!("\"{}\",{}", status.name(), self.report(&report)), data: None }
            }
        }
    }

    /// For +CMGL: behind `+CMGL: `.
    pub(super) fn listed(self, index: usize, stored: &Stored) -> Text {
        let status = stored.status;
        let start = format!("{index},\"{}\",", status.name());
        match read(&stored.pdu).filter(|_| self.text) {
            None => pdu_text(&format!("{index},{},,", status.number()), &stored.pdu),
            Some((_, Tpdu::Deliver(deliver))) => {
                let mut header = format!("{start}\"{}\",,\"{}\"", self.number(&deliver.originator), deliver.stamp);
                if self.headers {
                    let length = data_length(deliver.scheme, deliver.headers(), &deliver.data);
                    header += &format!(",{},{length}", deliver.originator.kind);
                }
                Text { header, data: Some(self.deliver_data(&deliver)) }
            }
            Some((_, Tpdu::Submit(submit))) => {
                let mut header = format!("{start}\"{}\",,", self.number(&submit.destination));
                if self.headers {
                    let length = data_length(submit.scheme, submit.headers(), &submit.data);
                    header += &format!(",{},{length}", submit.destination.kind);
                }
                Text { header, data: Some(self.submit_data(&submit)) }
            }
            Some((_, Tpdu::Report(report))) => {
                Text { header: format!("{start}{}", self.report(&report)), data: None }
            }
        }
    }

    /// For +CMT and +CDS: behind `+CMT: `, `+CDS: `.
    pub(super) fn arriving(self, pdu: &[u8]) -> Text {
        match read(pdu) {
            Some((center, Tpdu::Deliver(deliver))) if self.text => self.deliver(&deliver, center.as_ref()),
            Some((_, Tpdu::Report(report))) if self.text => Text { header: self.report(&report), data: None },
            Some((_, Tpdu::Report(_))) => pdu_text("", pdu),
            _ => pdu_text(",", pdu),
        }
    }

    fn deliver(self, deliver: &Deliver, center: Option<&Address>) -> Text {
        let mut header = format!("\"{}\",,\"{}\"", self.number(&deliver.originator), deliver.stamp);
        if self.headers {
            header += &format!(
                ",{},{},{},{},{},{}",
                deliver.originator.kind,
                deliver.first(),
                deliver.protocol,
                deliver.scheme,
                self.center(center),
                data_length(deliver.scheme, deliver.headers(), &deliver.data),
            );
        }
        Text { header, data: Some(self.deliver_data(deliver)) }
    }

    fn report(self, report: &Report) -> String {
        format!(
            "{},{},\"{}\",{},\"{}\",\"{}\",{}",
            report.first(),
            report.reference,
            self.number(&report.recipient),
            report.recipient.kind,
            report.stamp,
            report.discharge,
            report.status
        )
    }

    fn deliver_data(self, deliver: &Deliver) -> Vec<u8> {
        data_to_host(self.set, deliver.scheme, deliver.headers(), &deliver.data)
    }

    fn submit_data(self, submit: &Submit) -> Vec<u8> {
        data_to_host(self.set, submit.scheme, submit.headers(), &submit.data)
    }

    fn number(self, address: &Address) -> String {
        number_to_host(self.set, address)
    }

    /// `<sca>,<tosca>`.
    fn center(self, center: Option<&Address>) -> String {
        match center {
            Some(address) => format!("\"{}\",{}", self.number(address), address.kind),
            None => format!("\"\",{}", Address::UNKNOWN),
        }
    }
}

fn read(pdu: &[u8]) -> Option<(Option<Address>, Tpdu)> {
    let (center, tpdu) = split_center(pdu).ok()?;
    Some((center, Tpdu::parse(tpdu).ok()?))
}

/// `<length>` counts the TPDU only.
fn pdu_text(start: &str, pdu: &[u8]) -> Text {
    let length = split_center(pdu).map_or(pdu.len(), |(_, tpdu)| tpdu.len());
    Text { header: format!("{start}{length}"), data: Some(to_hex(pdu).into_bytes()) }
}
