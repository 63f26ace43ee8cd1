//! A running `git` process and its helpers: waits for it, keeps what it says on the side, and
//! ends it gently when it is no longer wanted. Does not look at its output.

use std::process::ExitStatus;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use super::errors::unavailable;
use crate::ports::PortError;

/// How long a process that is no longer wanted has for tidying up. Git removes its lock files
/// when it is told to end; killed at once it leaves them, and the next push finds a locked ref.
const GRACE: Duration = Duration::from_secs(2);
/// How much of what it says on the side is kept, in bytes: the first lines tell the cause.
const ERRORS: u64 = 8 << 10;

/// A process that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Option<Child>,
    errors: JoinHandle<String>,
    what: &'static str,
}

impl Running {
    /// Starts a command whose three streams are pipes.
    pub(super) fn start(
        mut command: Command,
        what: &'static str,
    ) -> Result<(Self, ChildStdin, ChildStdout), PortError> {
        let mut child = command.spawn().map_err(|e| unavailable(format!("git {what} did not start: {e}")))?;
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(unavailable(format!("git {what} started without its pipes")));
        };
        #[expect(clippy::disallowed_methods, reason = "`end` waits for it, and it ends with the pipe")]
        let errors = tokio::spawn(keep_beginning(stderr));
        Ok((Self { child: Some(child), errors, what }, stdin, stdout))
    }

    /// Waits until it has ended: how, and what it said on the side.
    pub(super) async fn end(mut self) -> Result<(ExitStatus, String), PortError> {
        let failed = |e: std::io::Error| unavailable(format!("git {} was lost: {e}", self.what));
        let Some(child) = self.child.as_mut() else {
            return Err(unavailable(format!("git {} has ended before", self.what)));
        };
        let status = child.wait().await.map_err(failed)?;
        let errors = (&mut self.errors).await.unwrap_or_default();
        Ok((status, errors))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        let Some(group) = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else { return };
        // The process is not waited for until the last signal is sent, so its number cannot have
        // gone to another. A group that is gone already is what we want.
        let _ = kill_process_group(group, Signal::TERM);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(GRACE).await;
                let _ = kill_process_group(group, Signal::KILL);
                let _ = child.wait().await;
            });
        } else {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Reads everything, so that the process never waits for us, and keeps the beginning.
async fn keep_beginning(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    // An error here is an end as well: how the process itself ended is what counts.
    let _ = (&mut stderr).take(ERRORS).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::Stdio;
    use std::time::Duration;

    use rustix::process::{Pid, test_kill_process_group};
    use tokio::io::AsyncReadExt as _;

    use super::Running;

    #[tokio::test]
    async fn a_process_that_will_not_end_is_killed_with_its_helpers() {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", "trap '' TERM; echo ready; sleep 60 & sleep 60"]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (running, _stdin, mut stdout) = Running::start(command.into(), "stubborn").unwrap();
        stdout.read_exact(&mut [0; 6]).await.unwrap();
        let id = running.child.as_ref().and_then(tokio::process::Child::id).unwrap();
        let group = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
        drop(running);
        assert!(test_kill_process_group(group).is_ok(), "it had no time to tidy up");
        for _ in 0..100 {
            if test_kill_process_group(group).is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it is still there");
    }
}
