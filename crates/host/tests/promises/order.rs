//! Records that come twice, in another order, again later, or not at all; sessions that are played again; and an end that is
//! cut off.

use modemtwin_host::net::End;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::proxy::{Tamper, Trick, Way};
use super::server::ServerEnd;
use super::sweep::{Plain, SHAPES, Shape, Verdict, module, plain, sweep};
use super::wire::records;
use super::{Closer, listener, relayed, session};

/// Every version once.
const KINDS: [Shape; 4] = [SHAPES[0], SHAPES[2], SHAPES[4], SHAPES[5]];

/// Every trick with every record. What comes after a side's close_notify is not looked at any more, by anybody: there is
/// nothing left to be disturbed. The module always sends one, the server if it closes first.
fn every_record(plain: &Plain) -> Vec<Tamper> {
    let mut tricks = Vec::new();
    for (way, ends) in [(Way::Up, true), (Way::Down, plain.shape.closer == Closer::Server)] {
        let count = records(plain.recording.way(way)).len();
        let last = if ends { count - 1 } else { count };
        for at in 0..count {
            tricks.extend([Trick::Swap, Trick::Drop].map(|trick| Tamper::Record { way, at, trick }));
            if at < last {
                tricks.push(Tamper::Record { way, at, trick: Trick::Twice });
            }
            let again = (at + 1..last).map(|after| Tamper::Record { way, at, trick: Trick::Again(after) });
            tricks.extend(again);
        }
    }
    tricks
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_delivered_twice_or_in_another_order() {
    let (_, outcomes) = sweep(&KINDS, every_record).await;
    assert!(outcomes.len() > 300, "only {} attacks", outcomes.len());
    let mut wrong = Vec::new();
    for outcome in outcomes {
        wrong.extend(outcome.wrong);
        if !outcome.noticed {
            wrong.push(format!("unnoticed: {:?}", outcome.job));
        }
    }
    assert!(wrong.is_empty(), "{} attacks:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_recorded_session_cannot_be_played_again() {
    let mut twin = module(0).await;
    for shape in KINDS {
        // Not even where the module's own share of the keys is always the same.
        let fixed = format!("\"{}\"", "5A".repeat(46));
        for premaster in ["", &fixed] {
            twin.configure(0, &[("premaster", premaster)]).await;
            let plain = plain(&mut twin, shape).await;
            play_to_server(&plain).await;
            let listener = listener().await;
            let port = listener.local_addr().unwrap().port();
            let server = async {
                let (stream, _) = listener.accept().await.unwrap();
                play(stream, &plain.recording.down).await;
            };
            let (heard, ()) = tokio::join!(twin.session(port, &plain.script), server);
            assert!(heard.has("CONNECT FAIL") && heard.data.is_empty(), "{heard:?}");
            heard.explanation();
        }
    }
}

/// Says what was recorded, and listens until the other side has enough.
async fn play(mut stream: TcpStream, recorded: &[u8]) {
    // The other side may leave in the middle.
    let _ = stream.write_all(recorded).await;
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

/// The attacker poses as the module.
async fn play_to_server(plain: &Plain) {
    let listener = listener().await;
    let module = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let far_end = relayed(stream, &plain.server, &plain.script, Tamper::Nothing);
    let ((_, served), ()) = tokio::join!(far_end, play(module, &plain.recording.up));
    assert_eq!((served.got.as_slice(), served.end), (&[][..], ServerEnd::Refused));
}

#[tokio::test]
async fn a_cut_off_end_is_told_from_a_proper_one_in_the_report_but_not_by_at() {
    let mut twin = module(0).await;
    for shape in KINDS.map(|shape| Shape { closer: Closer::Server, ..shape }) {
        let plain = plain(&mut twin, shape).await;
        assert_eq!(plain.verdict.end, Some(End::Peer));
        let (whole, lines) = (plain.script.response(), &plain.verdict.lines);
        assert_eq!(lines.last().map(String::as_str), Some("CLOSED"));
        let sent = records(&plain.recording.down);
        let last = sent.len() - 1;
        let payload = sent.iter().position(|record| record.kind == 23).unwrap();
        // Without close_notify; without some of the payload, too; without any.
        let mut lengths = Vec::new();
        for at in (payload..=last).rev() {
            let tamper = Tamper::Record { way: Way::Down, at, trick: Trick::Cut };
            let listener = listener().await;
            let session = session(&mut twin, &listener, &plain.server, &plain.script, tamper).await;
            let verdict = Verdict::of(&session);
            verdict.check(&plain.script).unwrap();
            assert_eq!((verdict.end, &verdict.lines), (Some(End::Truncated), lines), "{shape:?}");
            lengths.push(verdict.data.len());
        }
        assert_eq!((lengths.first(), lengths.last()), (Some(&whole.len()), Some(&0)), "{shape:?}");
    }
    assert!(End::Truncated.to_string().contains("without the end of TLS (close_notify)"));
}
