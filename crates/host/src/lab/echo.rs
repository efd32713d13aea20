//! What every lab server does with a connection: it sends back what comes.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Sends back everything until the peer has finished, and finishes then too. Tells how many bytes came.
///
/// # Errors
///
/// What the connection says; [`io::ErrorKind::TimedOut`] when for `idle` nothing came, or nothing was taken back.
pub(super) async fn echo<S>(stream: &mut S, idle: Duration) -> io::Result<u64>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = vec![0; 16 << 10];
    let mut total = 0;
    loop {
        let count = within(idle, stream.read(&mut buffer)).await?;
        if count == 0 {
            break;
        }
        within(idle, async {
            stream.write_all(&buffer[..count]).await?;
            stream.flush().await
        })
        .await?;
        total += count as u64;
    }
    within(idle, stream.shutdown()).await?;
    Ok(total)
}

async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn every_byte_comes_back_until_the_peer_finishes() {
        let (mut near, mut far) = tokio::io::duplex(100);
        let server = tokio::spawn(async move { echo(&mut far, IDLE).await });
        let sent: Vec<u8> = (0..=255).cycle().take(70_000).collect();
        let (mut read, mut write) = tokio::io::split(&mut near);
        let writing = async {
            write.write_all(&sent).await.unwrap();
            write.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, read) = tokio::join!(writing, read.read_to_end(&mut got));
        read.unwrap();
        assert!(got == sent);
        assert_eq!(server.await.unwrap().unwrap(), 70_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_is_given_up() {
        let (_near, mut far) = tokio::io::duplex(100);
        let error = echo(&mut far, IDLE).await.expect_err("nothing came for an hour");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_back_is_given_up() {
        let (mut near, mut far) = tokio::io::duplex(4);
        near.write_all(b"1234").await.unwrap();
        let server = tokio::spawn(async move { echo(&mut far, IDLE).await });
        near.write_all(b"5678").await.unwrap();
        let error = server.await.unwrap().expect_err("four bytes are stuck");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
