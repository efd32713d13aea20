//! Connections, whoever opens them: what a connect is made of, how many there may be, and whose they are.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use at::ArgErrorKind;
use core::net::IpAddr;

use super::Module;
use crate::command::Fault;
use crate::exchange::Exchange;
use crate::families::{self, socket, ssl};
use crate::io::{ConnId, Connect, LinkRequest, Transport};
use crate::ssl::TlsRequest;

/// What a family wants to connect to, and how.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) transport: Transport,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The SSL context, if TLS is to be spoken.
    pub(crate) context: Option<u8>,
    /// The AT+SAPBR bearer (1 to 3) that it goes over; `None`: the TCP/IP bearer.
    pub(crate) bearer: Option<u8>,
    pub(crate) name_servers: Vec<IpAddr>,
    pub(crate) local_port: Option<u16>,
    /// What it has to do with other connections' TLS.
    pub(crate) session: Session,
    /// The number for logs.
    pub(crate) link: u8,
}

/// What a TLS connection has to do with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Session {
    /// Nothing.
    #[default]
    Own,
    /// Others may ask for its session while it is open.
    Kept,
    /// It belongs to this connection, whose session is offered; its peer has to be what it was there: the host of this name.
    Of(ConnId, String),
}

/// The module has no SSL context of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoContext;

/// The last two parameters of a command that connects: a host and a port.
pub(crate) fn peer(x: &mut Exchange<'_>) -> Result<(String, u16), Fault> {
    let host = x.args.text(x.profile().name_limits.host)?;
    if host.is_empty() || !host.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Fault::error("the host is an IPv4 address or a name, without blanks"));
    }
    let host = String::from(host);
    let port = x.args.number(1..=65535)?;
    let port = u16::try_from(port).map_err(|_| x.args.error(ArgErrorKind::OutOfRange(1, 65535)))?;
    x.args.finish()?;
    Ok((host, port))
}

impl Module {
    /// Refuses what would be one connection too many.
    pub(crate) fn check_connections(&self) -> Result<(), Fault> {
        self.check_room_for(1)
    }

    /// Refuses what would be too many, if there were so many more.
    pub(crate) fn check_room_for(&self, more: usize) -> Result<(), Fault> {
        let limit = usize::from(self.setup.profile.connections);
        if families::connections(self) + more <= limit {
            return Ok(());
        }
        if more > 1 {
            return Err(Fault::not_allowed(format!(
                "this needs {more} connections, and there can be {limit} in all"
            )));
        }
        Err(Fault::not_allowed(format!("{limit} connections are open, which is as many as there can be")))
    }

    /// Asks for a connection with everything that holds for connections now: the context's parameters, keep-alive, time-outs.
    /// [`Family::linked`](families::Family::linked) is told what becomes of it.
    pub(crate) fn open(&mut self, opening: Opening) -> Result<ConnId, NoContext> {
        let Opening { transport, host, port, context, bearer, name_servers, local_port, session, link } =
            opening;
        let tls = context.map(|context| self.tls_request(context, &host, session)).transpose()?;
        let connect = Connect {
            transport,
            host,
            port,
            tls,
            connect_timeout: self.setup.profile.timing.connect,
            name_servers,
            local_port,
            keep_alive: socket::keep_alive(self, transport),
            link,
        };
        let conn = self.new_conn();
        self.connect(conn, bearer, Box::new(connect));
        Ok(conn)
    }

    /// Asks for TLS on a connection that is up, with what the context says now. [`Family::linked`](families::Family::linked) is told what
    /// becomes of it.
    pub(crate) fn secure(
        &mut self,
        conn: ConnId,
        context: u8,
        host: &str,
        session: Session,
    ) -> Result<(), NoContext> {
        let request = self.tls_request(context, host, session)?;
        self.link(conn, LinkRequest::Secure(request));
        Ok(())
    }

    fn tls_request(&self, context: u8, host: &str, session: Session) -> Result<Box<TlsRequest>, NoContext> {
        let (host, resumable, resume) = match &session {
            Session::Own => (host, false, None),
            Session::Kept => (host, true, None),
            Session::Of(conn, host) => (host.as_str(), true, Some(*conn)),
        };
        let request = ssl::request(self, context, host).ok_or(NoContext)?;
        Ok(Box::new(TlsRequest { resumable, resume, ..request }))
    }
}
