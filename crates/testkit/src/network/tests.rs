use modem::{
    ConnId, Connect, LinkEvent, LinkFailure, LinkRequest, SecLevel, SslVersion, TlsRequest, Transport,
};
use transcript::{ConnectFailure, DnsAnswer, PeerStep, Progress, SecureFailure};

use super::Network;

fn connect(host: &str) -> LinkRequest {
    LinkRequest::Connect(Box::new(Connect {
        transport: Transport::Tcp,
        host: host.into(),
        port: 443,
        tls: None,
        connect_timeout: 75_000,
        name_servers: Vec::new(),
        local_port: None,
        keep_alive: None,
        link: 0,
    }))
}

/// A network whose connection 1 is open, with nothing left to tell.
fn open() -> Network {
    let mut network = Network::default();
    network.request(ConnId(7), connect("192.0.2.9"));
    assert_eq!(network.step(0, None, &PeerStep::Accept(None)), Ok(Progress::Done));
    assert_eq!(
        told(&mut network),
        [(ConnId(7), LinkEvent::Connected { peer: "192.0.2.9:443".parse().unwrap() })]
    );
    network
}

fn told(network: &mut Network) -> Vec<(ConnId, LinkEvent<'static>)> {
    std::iter::from_fn(|| network.next_told()).map(|(id, event, _)| (id, event)).collect()
}

fn payload(network: &mut Network) -> Vec<u8> {
    std::iter::from_fn(|| network.next_told()).flat_map(|(_, _, bytes)| bytes).collect()
}

#[track_caller]
fn done(network: &mut Network, step: PeerStep) {
    assert_eq!(network.step(0, None, &step), Ok(Progress::Done));
}

#[test]
fn never_more_than_granted_and_the_rest_later() {
    let mut network = open();
    done(&mut network, PeerStep::Send(b"0123456789".to_vec()));
    assert_eq!(payload(&mut network), b"");
    network.request(ConnId(7), LinkRequest::Grant(4));
    assert_eq!(payload(&mut network), b"0123");
    done(&mut network, PeerStep::Close);
    assert_eq!(told(&mut network), []);
    network.request(ConnId(7), LinkRequest::Grant(100));
    let events: Vec<_> = std::iter::from_fn(|| network.next_told()).collect();
    assert_eq!(events[0].2, b"456789");
    assert_eq!(events[1].1, LinkEvent::PeerClosed { truncated: false });
    assert!(network.step(0, None, &PeerStep::Send(b"x".to_vec())).is_err());
}

#[test]
fn what_the_module_sends_is_compared_and_counted() {
    let mut network = open();
    done(&mut network, PeerStep::HoldAcks);
    network.request(ConnId(7), LinkRequest::Send(b"hello".to_vec()));
    network.request(ConnId(7), LinkRequest::QueryAcked);
    network.request(ConnId(7), LinkRequest::NotifyAcked);
    assert_eq!(told(&mut network), [(ConnId(7), LinkEvent::Sent(5)), (ConnId(7), LinkEvent::Acked(0))]);
    done(&mut network, PeerStep::Ack);
    assert_eq!(told(&mut network), [(ConnId(7), LinkEvent::Acked(5))]);
    assert!(matches!(network.step(0, None, &PeerStep::Expect(b"hello!".to_vec())), Ok(Progress::NotYet(_))));
    assert!(network.step(0, None, &PeerStep::Expect(b"hi".to_vec())).is_err());
    done(&mut network, PeerStep::Expect(b"hel".to_vec()));
    assert_eq!(network.leftovers()[0].bytes, b"lo");
}

#[test]
fn a_stalled_network_takes_nothing_and_finishes_no_slow_close() {
    let mut network = open();
    done(&mut network, PeerStep::Stall);
    network.request(ConnId(7), LinkRequest::Send(b"abc".to_vec()));
    network.request(ConnId(7), LinkRequest::Close { quick: false });
    assert_eq!(told(&mut network), []);
    done(&mut network, PeerStep::Resume);
    assert_eq!(told(&mut network), [(ConnId(7), LinkEvent::Sent(3)), (ConnId(7), LinkEvent::Closed)]);
    done(&mut network, PeerStep::Expect(b"abc".to_vec()));
    assert!(network.step(0, None, &PeerStep::ExpectClose { quick: Some(true) }).is_err());
}

#[test]
fn closes_are_reported_once() {
    let mut network = open();
    assert!(matches!(network.step(0, None, &PeerStep::ExpectClose { quick: None }), Ok(Progress::NotYet(_))));
    network.request(ConnId(7), LinkRequest::Close { quick: true });
    assert_eq!(told(&mut network), [(ConnId(7), LinkEvent::Closed)]);
    done(&mut network, PeerStep::ExpectClose { quick: Some(true) });
    assert!(matches!(network.step(0, None, &PeerStep::ExpectClose { quick: None }), Ok(Progress::NotYet(_))));
}

#[test]
fn connects_fail_in_every_way() {
    for (failure, class, at) in [
        (ConnectFailure::Refused, LinkFailure::Refused, 0),
        (ConnectFailure::Unreachable, LinkFailure::Unreachable, 0),
        (ConnectFailure::Dns, LinkFailure::Dns, 0),
        (ConnectFailure::Timeout, LinkFailure::Timeout, 75_000),
    ] {
        let mut network = Network::default();
        network.request(ConnId(1), connect("h"));
        done(&mut network, PeerStep::Fail(failure));
        if at > 0 {
            assert_eq!(network.deadline(), Some(at));
            network.advance(at - 1);
            assert_eq!(told(&mut network), []);
        }
        network.advance(at);
        assert_eq!(told(&mut network), [(ConnId(1), LinkEvent::Failed(class))]);
        assert_eq!(network.deadline(), None);
    }
    let mut network = Network::default();
    network.request(ConnId(1), connect("h"));
    assert!(network.step(0, None, &PeerStep::Fail(ConnectFailure::Tls)).is_err(), "it does not ask for TLS");
}

#[test]
fn datagrams_stay_whole_and_are_never_empty() {
    let mut network = Network::default();
    let LinkRequest::Connect(mut wanted) = connect("h") else { return };
    wanted.transport = Transport::Udp;
    network.request(ConnId(1), LinkRequest::Connect(wanted));
    done(&mut network, PeerStep::Accept(None));
    told(&mut network);
    done(&mut network, PeerStep::Send(b"abc".to_vec()));
    done(&mut network, PeerStep::Send(b"".to_vec()));
    done(&mut network, PeerStep::Send(b"def".to_vec()));
    assert_eq!(payload(&mut network), b"");
    network.request(ConnId(1), LinkRequest::Grant(1));
    assert_eq!(payload(&mut network), b"abc");
    network.request(ConnId(1), LinkRequest::Grant(4));
    assert_eq!(payload(&mut network), b"def");
}

#[test]
fn names_resolve_as_scripted() {
    let mut network = Network::default();
    network.set_dns("a", DnsAnswer::Address("198.51.100.4".parse().unwrap()));
    network.set_dns("b", DnsAnswer::Fails);
    network.request(ConnId(1), connect("a"));
    network.request(ConnId(2), connect("b"));
    assert_eq!(told(&mut network), [(ConnId(2), LinkEvent::Failed(LinkFailure::Dns))]);
    done(&mut network, PeerStep::Accept(None));
    assert_eq!(
        told(&mut network),
        [(ConnId(1), LinkEvent::Connected { peer: "198.51.100.4:443".parse().unwrap() })]
    );
}

#[test]
fn steps_without_a_number_go_to_the_oldest_connect_then_to_the_last_used() {
    let mut network = Network::default();
    assert!(matches!(network.step(0, None, &PeerStep::Accept(None)), Ok(Progress::NotYet(_))));
    network.request(ConnId(1), connect("a"));
    network.request(ConnId(2), connect("b"));
    let asked = |host: &str| PeerStep::ExpectConnect {
        transport: transcript::Transport::Tcp,
        host: host.into(),
        port: 443,
    };
    done(&mut network, asked("a"));
    assert!(matches!(network.step(0, None, &asked("b")), Ok(Progress::NotYet(_))));
    done(&mut network, PeerStep::Accept(None));
    done(&mut network, asked("b"));
    assert_eq!(network.step(0, Some(2), &PeerStep::Accept(None)), Ok(Progress::Done));
    assert_eq!(network.step(0, Some(1), &PeerStep::Send(vec![1])), Ok(Progress::Done));
    network.request(ConnId(1), LinkRequest::Grant(9));
    told(&mut network);
    done(&mut network, PeerStep::Reset);
    assert_eq!(told(&mut network), [(ConnId(1), LinkEvent::Broken(LinkFailure::Reset))]);
    assert!(matches!(network.step(0, Some(3), &PeerStep::Reset), Ok(Progress::NotYet(_))));
}

#[test]
fn a_module_that_breaks_the_rules_is_reported() {
    let mut network = Network::default();
    network.request(ConnId(1), LinkRequest::Grant(1));
    assert!(network.take_fault().unwrap().contains("never asked for"));
    network.request(ConnId(1), connect("a"));
    network.request(ConnId(1), LinkRequest::Send(vec![1]));
    assert!(network.take_fault().unwrap().contains("not open"));
    assert_eq!(network.take_fault(), None);
    assert_eq!(network.leftovers().len(), 1, "nobody answered it");
    network.drop_all();
    assert!(network.leftovers().is_empty());
}

fn wish(resume: Option<ConnId>) -> Box<TlsRequest> {
    Box::new(TlsRequest {
        context: 34,
        version: SslVersion::Tls12,
        suites: vec![0x0035],
        seclevel: SecLevel::None,
        cacert: None,
        clientcert: None,
        clientkey: None,
        partial_chain: false,
        hostname: None,
        host: "192.0.2.9".into(),
        ignore_time: false,
        now: 0,
        clock_set: false,
        client_random: None,
        premaster: None,
        timeout: 9_000,
        resumable: true,
        resume,
    })
}

fn secure() -> LinkRequest {
    LinkRequest::Secure(wish(None))
}

#[test]
fn an_open_connection_is_protected_when_the_script_says_so() {
    let mut network = open();
    let asked = |key: &str, value: &str| PeerStep::ExpectSecure(vec![(key.into(), value.into())]);
    assert!(matches!(network.step(0, None, &PeerStep::Secure), Ok(Progress::NotYet(_))));
    assert!(matches!(network.step(0, None, &asked("context", "34")), Ok(Progress::NotYet(_))));
    network.request(ConnId(7), LinkRequest::Grant(100));
    network.request(ConnId(7), secure());
    done(&mut network, asked("resumable", "1"));
    assert_eq!(network.leftovers().len(), 1, "nobody answered it");
    done(&mut network, PeerStep::Secure);
    assert_eq!(told(&mut network), [(ConnId(7), LinkEvent::Secured)]);
    done(&mut network, PeerStep::Send(b"behind".to_vec()));
    assert_eq!(payload(&mut network), b"behind");
    done(&mut network, PeerStep::Cut);
    assert_eq!(told(&mut network), [(ConnId(7), LinkEvent::PeerClosed { truncated: true })]);
    network.request(ConnId(7), secure());
    assert!(network.take_fault().unwrap().contains("twice"));

    let LinkRequest::Connect(mut connect) = connect("192.0.2.9") else { return };
    connect.tls = Some(wish(Some(ConnId(7))));
    network.request(ConnId(8), LinkRequest::Connect(connect));
    done(&mut network, PeerStep::ExpectTls(Some(vec![("resume".into(), "1".into())])));
}

#[test]
fn nothing_in_plain_text_gets_behind_the_handshake() {
    let failed = [(ConnId(7), LinkEvent::Failed(LinkFailure::Tls))];
    let mut network = open();
    done(&mut network, PeerStep::Send(b"injected".to_vec()));
    network.request(ConnId(7), secure());
    network.request(ConnId(7), LinkRequest::Grant(100));
    assert_eq!(told(&mut network), failed);

    for step in
        [PeerStep::Send(b"late".to_vec()), PeerStep::Close, PeerStep::FailSecure(SecureFailure::Handshake)]
    {
        let mut network = open();
        network.request(ConnId(7), LinkRequest::Grant(100));
        network.request(ConnId(7), secure());
        done(&mut network, step);
        assert_eq!(told(&mut network), failed);
        assert!(network.leftovers().is_empty());
    }

    let mut network = open();
    network.request(ConnId(7), secure());
    network.request(ConnId(7), LinkRequest::Send(b"early".to_vec()));
    assert!(network.take_fault().unwrap().contains("before it is protected"));
    done(&mut network, PeerStep::FailSecure(SecureFailure::Timeout));
    assert_eq!(network.deadline(), Some(9_000));
    network.advance(9_000);
    assert_eq!(told(&mut network), failed);
}

#[test]
fn a_connection_without_tls_cannot_be_cut() {
    let mut network = open();
    assert!(network.step(0, None, &PeerStep::Cut).is_err());
}
