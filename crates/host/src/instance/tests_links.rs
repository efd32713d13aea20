//! What a module's requests make of its connections.

use std::time::Duration;

use modem::{Connect, SecLevel, SslVersion, TlsRequest, Transport};
use tls::pki::{Request, Usage};
use tls::{Acceptor, ServerPolicy, Sessions};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::net::Journal;

const LONG: Duration = Duration::from_secs(30);

struct Bench {
    _dir: tempfile::TempDir,
    instance: Instance,
    journal: Arc<Journal>,
    listener: Arc<TcpListener>,
    acceptor: Acceptor,
}

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = Arc::new(Journal::new(100));
        let instance = Instance::new(Parts {
            name: "m".into(),
            setup: Setup::new(0, 1, 0),
            lines: Vec::new(),
            store: Store::open(dir.path()).unwrap(),
            network: Arc::default(),
            observer: Some(Arc::clone(&journal) as Arc<dyn Observer>),
        });
        let issued = Request::new("server", Usage::Server).self_signed().unwrap();
        let policy = ServerPolicy::new(issued.certificate_pem().unwrap(), issued.key_pem().unwrap());
        let acceptor = Acceptor::new(&ServerPolicy { sessions: Sessions::Tickets, ..policy }).unwrap();
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.unwrap());
        Self { _dir: dir, instance, journal, listener, acceptor }
    }

    fn connect(&mut self, conn: u32, tls: Option<TlsRequest>) {
        let connect = Connect {
            transport: Transport::Tcp,
            host: "127.0.0.1".into(),
            port: self.listener.local_addr().unwrap().port(),
            tls: tls.map(Box::new),
            connect_timeout: 20_000,
            name_servers: Vec::new(),
            local_port: None,
            keep_alive: None,
            link: 0,
        };
        self.instance.link_request(ConnId(conn), LinkRequest::Connect(Box::new(connect)));
    }

    /// The server takes a connection, with TLS at once or after so many bytes of plain text; keeps it until the task is dropped.
    fn serve(&self, plain: &'static [u8]) -> JoinHandle<()> {
        let (listener, acceptor) = (Arc::clone(&self.listener), self.acceptor.clone());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(plain).await.unwrap();
            let _accepted = acceptor.accept(stream, LONG).await.unwrap();
            std::future::pending::<()>().await;
        })
    }

    /// Lets things happen until there is one more report of this connection, and hands it out.
    async fn report(&mut self, conn: u32) -> Report {
        let of = |report: &Report| {
            let (Report::Connected { subject, .. }
            | Report::Secured { subject, .. }
            | Report::Ended { subject, .. }
            | Report::Failed(net::Explanation { subject, .. })) = report;
            subject.conn == ConnId(conn)
        };
        let count = |journal: &Journal| journal.reports().iter().filter(|report| of(report)).count();
        let before = count(&self.journal);
        let mut buffer = vec![0; 64 << 10];
        let (instance, journal) = (&mut self.instance, &self.journal);
        let more = poll_fn(|cx| {
            while instance.poll_links(cx, &mut buffer) {}
            if count(journal) > before { Poll::Ready(()) } else { Poll::Pending }
        });
        timeout(LONG, more).await.expect("nothing happened");
        self.journal.reports().into_iter().rfind(of).unwrap()
    }

    /// Whether the new connection's session is a resumed one.
    async fn resumed(&mut self, conn: u32) -> Option<bool> {
        match self.report(conn).await {
            Report::Connected { session: Some(session), .. } | Report::Secured { session, .. } => {
                session.resumed
            }
            other => panic!("{other:?}"),
        }
    }
}

fn request(resume: Option<u32>) -> TlsRequest {
    TlsRequest {
        context: 34,
        version: SslVersion::All,
        suites: vec![0x0035],
        seclevel: SecLevel::None,
        cacert: None,
        clientcert: None,
        clientkey: None,
        partial_chain: false,
        hostname: None,
        host: "127.0.0.1".into(),
        ignore_time: false,
        now: 0,
        clock_set: false,
        client_random: None,
        premaster: None,
        timeout: 20_000,
        resumable: true,
        resume: resume.map(ConnId),
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_connection_as_long_as_that_is_open() {
    let mut bench = Bench::new().await;
    let control = bench.serve(b"");
    bench.connect(1, None);
    assert!(matches!(bench.report(1).await, Report::Connected { session: None, .. }));
    bench.instance.link_request(ConnId(1), LinkRequest::Secure(Box::new(request(None))));
    assert_eq!(bench.resumed(1).await, None);

    for (conn, resume, resumed) in [
        (2, Some(1), Some(true)),
        // By way of one that has it from the first.
        (3, Some(2), Some(true)),
        (4, Some(99), None),
        (5, None, None),
    ] {
        bench.serve(b"");
        bench.connect(conn, Some(request(resume)));
        assert_eq!(bench.resumed(conn).await, resumed, "{conn}");
    }
    for conn in [1, 2, 3] {
        bench.instance.link_request(ConnId(conn), LinkRequest::Close { quick: true });
    }
    bench.serve(b"");
    bench.connect(6, Some(request(Some(1))));
    assert_eq!(bench.resumed(6).await, None);
    control.abort();
}

#[tokio::test]
async fn a_connection_that_cannot_be_protected_is_over() {
    let mut bench = Bench::new().await;
    let server = bench.serve(b"220 and more");
    bench.connect(1, None);
    assert!(matches!(bench.report(1).await, Report::Connected { .. }));
    bench.instance.links[0].grant(3);
    poll_fn(|cx| {
        let got = bench.instance.poll_links(cx, &mut [0; 16]);
        if got { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    bench.instance.link_request(ConnId(1), LinkRequest::Secure(Box::new(request(None))));
    bench.report(1).await;
    let reports = bench.journal.reports();
    let Report::Failed(explanation) = &reports[1] else { panic!("{reports:?}") };
    assert_eq!(explanation.class, modem::LinkFailure::Tls);
    assert!(explanation.seen.contains("plain text"), "{explanation}");
    assert!(bench.instance.links.is_empty());
    server.abort();
}
