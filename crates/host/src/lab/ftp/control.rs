//! The control connection: command lines in, replies out, TLS when it is asked for.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The longest command line.
const LINE: usize = 2048;
/// How long a client may say nothing when nothing is transferred.
pub(super) const SILENCE: Duration = Duration::from_secs(15 * 60);
/// How long it may take no reply.
const STALL: Duration = Duration::from_secs(60);

/// What a connection has to be.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A command: its word in capitals, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) word: String,
    pub(super) rest: String,
}

/// A control connection.
pub(super) struct Control {
    stream: Box<dyn Duplex>,
    input: Vec<u8>,
    /// How many bytes have come.
    pub(super) came: u64,
}

impl Control {
    pub(super) fn new(stream: Box<dyn Duplex>) -> Self {
        Self { stream, input: Vec::new(), came: 0 }
    }

    /// The next command, within [`SILENCE`]; `None` when the client has left. Cancelling loses nothing.
    pub(super) async fn line(&mut self) -> io::Result<Option<Line>> {
        timeout(SILENCE, self.any_line()).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Likewise, however long it takes: while something is transferred a client has nothing to say.
    pub(super) async fn any_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return Ok(Some(Line::parse(&line)));
            }
            if self.input.len() >= LINE {
                return Err(io::Error::other("an endless line"));
            }
            let mut buffer = [0; 512];
            let count = self.stream.read(&mut buffer).await?;
            if count == 0 {
                return Ok(None);
            }
            self.came += count as u64;
            self.input.extend_from_slice(&buffer[..count]);
        }
    }

    /// Whether bytes have come that no command was made of.
    pub(super) fn has_unread(&self) -> bool {
        !self.input.is_empty()
    }

    /// Says something; a line of a longer reply has its CR LF in it.
    pub(super) async fn say(&mut self, reply: &str) -> io::Result<()> {
        let bytes = format!("{reply}\r\n");
        let saying = async {
            self.stream.write_all(bytes.as_bytes()).await?;
            self.stream.flush().await
        };
        timeout(STALL, saying).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// TLS from here on.
    pub(super) async fn secure(
        self,
        acceptor: &tls::Acceptor,
        within: Duration,
    ) -> Result<(Self, tls::Report), String> {
        let tls::Accepted { stream, .. } = acceptor.accept(self.stream, within).await?;
        let report = stream.report().clone();
        Ok((Self { stream: Box::new(stream), input: Vec::new(), came: self.came }, report))
    }

    /// Ends it, as far as the client lets it.
    pub(super) async fn end(mut self) {
        let _ = timeout(STALL, self.stream.shutdown()).await;
    }
}

impl Line {
    fn parse(line: &[u8]) -> Self {
        // Telnet's interrupt and synch, which may stand in front of ABOR, and its other commands: no part of a command. The
        // last one may have come as urgent data, and 0xFF is in no file name in UTF-8.
        let end = line.iter().rposition(|byte| *byte == 0xFF).map_or(0, |last| last + 1);
        let bytes = match &line[end..] {
            [0xF0..=0xFF, rest @ ..] if end > 0 => rest,
            rest => rest,
        };
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(['\r', '\n']);
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        Self { word: word.to_ascii_uppercase(), rest: rest.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_from_the_rest() {
        for (line, word, rest) in [
            (&b"quit\r\n"[..], "QUIT", ""),
            (b"RETR a b \r\n", "RETR", "a b "),
            (b"\xFF\xF4\xFF\xF2ABOR\r\n", "ABOR", ""),
            // The second synch came as urgent data.
            (b"\xFF\xF4\xFFABOR\r\n", "ABOR", ""),
            ("STOR \u{1F4E6}.bin\r\n".as_bytes(), "STOR", "\u{1F4E6}.bin"),
            (b"\n", "", ""),
            (b" x\n", "", "x"),
        ] {
            assert_eq!(Line::parse(line), Line { word: word.into(), rest: rest.into() });
        }
    }

    #[tokio::test]
    async fn an_endless_line_ends_the_connection() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut control = Control::new(Box::new(near));
        let flood = async { while far.write_all(&[b'x'; 64]).await.is_ok() {} };
        let failed = async { control.line().await.map(drop).expect_err("it has no end") };
        tokio::select! {
            () = flood => panic!("it was taken"),
            error = failed => assert_eq!(error.to_string(), "an endless line"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_a_session_but_no_transfer() {
        let (near, _far) = tokio::io::duplex(64);
        let mut control = Control::new(Box::new(near));
        assert!(timeout(10 * SILENCE, control.any_line()).await.is_err(), "it goes on");
        let error = control.line().await.expect_err("nothing came");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
