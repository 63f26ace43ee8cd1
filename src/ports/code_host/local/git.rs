//! Runs the `git` binary: finds it, cleans its surroundings, bounds its time and its output, and
//! ends it when nobody waits for it any more. Knows nothing about what is asked of it.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command as StdCommand, Stdio};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufWriter};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::errors::{unavailable, unknown};
use super::running::Running;
use crate::ports::PortError;

/// How long one call of `git` may take. What we ask takes milliseconds; half a minute is a disk
/// that hangs.
pub(super) const TIME: Duration = Duration::from_secs(30);
/// How much output is taken where a caller does not say otherwise, in bytes: ids and names.
const OUTPUT: usize = 1 << 20;
/// The oldest `git` that has all we use: `merge-tree --write-tree` and `cat-file -z` are of 2.38.
const OLDEST: (u32, u32) = (2, 38);

/// Where Git looks for hooks that are not to run: nothing can be put there.
pub(super) const NO_HOOKS: &str = "/dev/null";

/// The `git` binary and the surroundings in which it runs.
#[derive(Debug, Clone)]
pub(super) struct Git {
    program: PathBuf,
    /// The folders of programs, handed on so that `git` finds its own helpers.
    path: OsString,
    /// An empty folder: a home without settings, and a place to stand.
    home: PathBuf,
}

impl Git {
    /// Finds `git` in the folders of programs and checks that it can do what we need.
    pub(super) fn find(home: PathBuf) -> Result<Self, PortError> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("git"))
            .find(|program| program.is_file())
            .ok_or_else(|| unavailable("the program `git` is missing: install Git 2.38 or newer"))?;
        let git = Self { program, path, home };
        git.check_version()?;
        git.check_backend()?;
        Ok(git)
    }

    fn check_version(&self) -> Result<(), PortError> {
        let said = self.ask("--version")?;
        let found = version(&said).ok_or_else(|| unavailable(format!("`git --version` said “{said}”")))?;
        if found < OLDEST {
            return Err(unavailable(format!("Git 2.38 or newer is needed, this is “{said}”")));
        }
        Ok(())
    }

    /// Some distributions package the HTTP half of Git apart.
    fn check_backend(&self) -> Result<(), PortError> {
        let folder = self.ask("--exec-path")?;
        if Path::new(&folder).join("git-http-backend").is_file() {
            Ok(())
        } else {
            Err(unavailable(format!(
                "`git-http-backend` is missing in {folder}: install it (on Alpine it is in the package git-daemon)"
            )))
        }
    }

    fn ask(&self, question: &str) -> Result<String, PortError> {
        let failed = |e: &dyn std::fmt::Display| unavailable(format!("`git {question}`: {e}"));
        let output = self.bare_command().arg(question).output().map_err(|e| failed(&e))?;
        if !output.status.success() {
            return Err(failed(&output.status));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The program in clean surroundings: of our own environment it sees only the folders of
    /// programs, so that no `GIT_*` and no settings of whoever started us reach it.
    fn bare_command(&self) -> StdCommand {
        let mut command = StdCommand::new(&self.program);
        command
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", &self.home)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            // A path is a path: no globs, no magic.
            .env("GIT_LITERAL_PATHSPECS", "1")
            // Somebody could push refs/replace/… and make us read other content than we name.
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// As above, ready for arguments. `hooks` is the only folder from which hooks may run.
    pub(super) fn command(&self, hooks: &Path) -> Command {
        let mut hooks_path = OsString::from("core.hooksPath=");
        hooks_path.push(hooks);
        let mut command = self.bare_command();
        command.args(["-c", "safe.directory=*", "-c"]).arg(hooks_path);
        // A group of its own, so that its helpers end with it and a Ctrl-C is ours to handle.
        command.process_group(0);
        let mut command = Command::from(command);
        command.kill_on_drop(true);
        command
    }

    /// A call in a bare repository, without hooks.
    pub(super) fn call(&self, repository: &Path, what: &'static str) -> Call {
        let mut command = self.command(Path::new(NO_HOOKS));
        let mut folder = OsString::from("--git-dir=");
        folder.push(repository);
        command.arg(folder).arg(what);
        Call { command, what, input: Vec::new(), limit: OUTPUT, acts: false }
    }

    /// A call outside any repository.
    pub(super) fn outside(&self, what: &'static str) -> Call {
        let mut command = self.command(Path::new(NO_HOOKS));
        command.arg(what);
        Call { command, what, input: Vec::new(), limit: OUTPUT, acts: false }
    }
}

/// One call of `git`, put together piece by piece.
#[derive(Debug)]
pub(super) struct Call {
    command: Command,
    what: &'static str,
    input: Vec<Bytes>,
    limit: usize,
    acts: bool,
}

impl Call {
    pub(super) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(super) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// What it reads, in pieces, so that nothing large is copied together.
    pub(super) fn input(mut self, pieces: Vec<Bytes>) -> Self {
        self.input = pieces;
        self
    }

    /// The most output that is taken, in bytes.
    pub(super) fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    /// The call takes effect: when its time runs out it is not known whether it did.
    pub(super) fn acts(mut self) -> Self {
        self.acts = true;
        self
    }

    /// Runs it to its end and takes its output.
    pub(super) async fn run(self) -> Result<Output, PortError> {
        let (what, acts) = (self.what, self.acts);
        match tokio::time::timeout(TIME, self.exchange()).await {
            Ok(output) => output,
            Err(_) if acts => Err(unknown(format!("git {what} took longer than {} s", TIME.as_secs()))),
            Err(_) => Err(late(what)),
        }
    }

    /// Starts it and leaves its input and output to the caller.
    pub(super) fn start(mut self) -> Result<(Running, ChildStdin, ChildStdout), PortError> {
        self.command.stdin(Stdio::piped());
        Running::start(self.command, self.what)
    }

    async fn exchange(mut self) -> Result<Output, PortError> {
        let input = std::mem::take(&mut self.input);
        let (what, limit) = (self.what, self.limit);
        let (running, stdin, stdout) = self.start()?;
        let (fed, read) = tokio::join!(feed(stdin, input), bounded(stdout, limit));
        let (out, cut) = read.map_err(|e| unavailable(format!("git {what}: {e}")))?;
        if cut {
            // Its output is closed, so it has ended or is about to; dropping it makes sure.
            return Ok(Output { what, code: None, out, cut, errors: String::new() });
        }
        let (status, errors) = running.end().await?;
        fed.map_err(|e| unavailable(format!("git {what}: {e}")))?;
        Ok(Output { what, code: status.code(), out, cut, errors })
    }
}

/// What a call of `git` gave.
#[derive(Debug)]
pub(super) struct Output {
    what: &'static str,
    /// How it ended; `None` where it was cut short or killed.
    pub(super) code: Option<i32>,
    /// Its output, up to the limit.
    pub(super) out: Vec<u8>,
    /// Whether there was more output than the limit.
    pub(super) cut: bool,
    /// The beginning of what it said on the side.
    pub(super) errors: String,
}

impl Output {
    /// The output of a call that went well.
    pub(super) fn ok(self) -> Result<Vec<u8>, PortError> {
        if self.code == Some(0) && !self.cut { Ok(self.out) } else { Err(self.failure()) }
    }

    /// As [`Output::ok`], as one line of text.
    pub(super) fn line(self) -> Result<String, PortError> {
        Ok(String::from_utf8_lossy(&self.ok()?).trim().to_owned())
    }

    /// The error for a call that did not go well.
    pub(super) fn failure(&self) -> PortError {
        let how = match (self.cut, self.code) {
            (true, _) => "gave too much output".to_owned(),
            (false, Some(code)) => format!("ended with {code}"),
            (false, None) => "was killed".to_owned(),
        };
        unavailable(format!("git {} {how}: {}", self.what, self.errors.trim()))
    }
}

/// The error for a reading call whose time ran out.
pub(super) fn late(what: &str) -> PortError {
    unavailable(format!("git {what} took longer than {} s", TIME.as_secs()))
}

/// Bounds the time of a reading that takes several steps.
pub(super) async fn in_time<T>(
    what: &str,
    reading: impl Future<Output = Result<T, PortError>>,
) -> Result<T, PortError> {
    tokio::time::timeout(TIME, reading).await.unwrap_or_else(|_| Err(late(what)))
}

async fn feed(stdin: ChildStdin, pieces: Vec<Bytes>) -> std::io::Result<()> {
    let mut stdin = BufWriter::new(stdin);
    let write = async {
        for piece in pieces {
            stdin.write_all(&piece).await?;
        }
        stdin.flush().await
    };
    match write.await {
        // It ended before it had read everything; how it ended says more than this.
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads to the end or to the limit, and closes what it read from.
async fn bounded(stdout: impl AsyncRead + Unpin, limit: usize) -> std::io::Result<(Vec<u8>, bool)> {
    let mut out = Vec::new();
    stdout.take(limit as u64 + 1).read_to_end(&mut out).await?;
    let cut = out.len() > limit;
    out.truncate(limit);
    Ok((out, cut))
}

fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_read_as_vendors_write_them() {
        assert_eq!(version("git version 2.47.3"), Some((2, 47)));
        assert_eq!(version("git version 2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(version("git version 2.48.0.rc1"), Some((2, 48)));
        assert_eq!(version("hg 6"), None);
    }
}
