//! The two directions of a request of a Git client: what a client sends is handed on to `git`, and
//! what `git` puts out becomes the body of the answer. Holds a few pieces at most, and ends what
//! stalls. Knows nothing of HTTP.

use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, ReadBuf};
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::running::Running;

/// How long a direction may stand still. While Git works it says so every five seconds
/// (`uploadpack.keepAlive`, `receive.keepAlive`); a client that does nothing for a minute is gone.
const SILENCE: Duration = Duration::from_mins(1);
/// How much is taken at once, in bytes: what a pipe holds.
const PIECE: usize = 64 << 10;
/// How many pieces wait for a client that reads slowly; beyond, `git` waits.
const WAITING: usize = 2;

/// The body of a [`GitResponse`](super::GitResponse): read it with [`AsyncRead`]. Dropped before
/// its end, the process behind it is ended. Where the process stalls it ends with an error, so
/// that the connection breaks off and does not seem to end well.
#[derive(Debug)]
pub struct GitBody {
    piece: Bytes,
    more: Option<mpsc::Receiver<std::io::Result<Bytes>>>,
    _task: Option<Task>,
}

/// A process that answers one request, and its place among those served.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) running: Running,
    pub(super) output: BufReader<ChildStdout>,
    pub(super) input: Task,
    pub(super) place: OwnedSemaphorePermit,
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Task {
    #[expect(clippy::disallowed_methods, reason = "whoever holds the task ends it by dropping it")]
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl GitBody {
    pub(super) fn text(text: String) -> Self {
        Self { piece: text.into(), more: None, _task: None }
    }

    pub(super) fn served(served: Served) -> Self {
        let (sender, more) = mpsc::channel(WAITING);
        Self { piece: Bytes::new(), more: Some(more), _task: Some(Task::spawn(take_output(served, sender))) }
    }
}

impl AsyncRead for GitBody {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        while this.piece.is_empty() {
            let Some(more) = &mut this.more else { return Poll::Ready(Ok(())) };
            match ready!(more.poll_recv(cx)).unwrap_or_else(|| Err(ErrorKind::UnexpectedEof.into()))? {
                end if end.is_empty() => this.more = None,
                piece => this.piece = piece,
            }
        }
        let taken = this.piece.split_to(this.piece.len().min(buf.remaining()));
        buf.put_slice(&taken);
        Poll::Ready(Ok(()))
    }
}

/// Hands on what a client sends. Where that breaks off, `git` sees an end that comes too early,
/// and takes nothing of it.
pub(super) async fn pass_input(mut body: impl AsyncRead + Send + Unpin, mut stdin: ChildStdin) {
    let mut piece = BytesMut::with_capacity(PIECE);
    loop {
        piece.clear();
        match timeout(SILENCE, body.read_buf(&mut piece)).await {
            Ok(Ok(0)) => return,
            Ok(Ok(_)) => {}
            Ok(Err(e)) => return tracing::debug!(error = %e, "what a Git client sent broke off"),
            Err(_) => return tracing::debug!("a Git client sent nothing for too long"),
        }
        // An error is a process that has read enough, or has ended: its answer tells.
        if !matches!(timeout(SILENCE, stdin.write_all(&piece)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Takes what `git` puts out, until it ends, stalls, or nobody reads it any more.
async fn take_output(mut served: Served, sender: mpsc::Sender<std::io::Result<Bytes>>) {
    loop {
        let mut piece = BytesMut::with_capacity(PIECE);
        let read = match timeout(SILENCE, served.output.read_buf(&mut piece)).await {
            Ok(Ok(0)) => break,
            Ok(read) => read.map(|_| piece.freeze()),
            // While a client still sends, Git has nothing to say; that direction ends by itself.
            Err(_) if !served.input.0.is_finished() => continue,
            Err(_) => Err(Error::new(ErrorKind::TimedOut, "git stands still")),
        };
        let failed = read.is_err();
        let handed = timeout(SILENCE, sender.send(read)).await;
        if failed || !matches!(handed, Ok(Ok(()))) {
            return;
        }
    }
    // Nothing is held back on how it ended: Git told the client itself, and a client that leaves
    // a shallow clone early makes it end with an error in the best of health.
    match timeout(SILENCE, served.running.end()).await {
        Ok(Ok((status, errors))) if !status.success() => {
            tracing::debug!(%status, errors = errors.trim(), "git http-backend ended");
        }
        _ => {}
    }
    drop(served.place);
    // An empty piece is the real end; without it, a reader knows that something is missing.
    let _ = timeout(SILENCE, sender.send(Ok(Bytes::new()))).await;
}
