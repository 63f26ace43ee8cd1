//! The private Postgres: with no `DATABASE_URL` the portal runs one from installed binaries.
//! It listens on a Unix socket in a folder that only its user may enter, so nobody else on the
//! machine reaches it; it is durable, stops with the portal, and is adopted or recovered after the
//! portal was killed. It knows nothing of schemas.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::process::Command;

/// How long a start may take. Recovery after a crash replays at most `max_wal_size` (1 GB).
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long a portal that was just killed may hold the folder: a child that it was starting shares its
/// lock until it has become `git`.
const LOCK_LIMIT: Duration = Duration::from_secs(5);
/// How long a fast shutdown may take before it is made immediate.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// A Unix socket's address holds 108 bytes (unix(7)); Postgres adds `/.s.PGSQL.5432`.
const LONGEST_SOCKET_DIR: usize = 107 - 15;
/// Unpacked releases older than this lack what the schema uses.
const OLDEST_MAJOR: u32 = 15;

/// Why the private Postgres does not run. The text is for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum PrivatePostgresError {
    /// No binaries of a usable version.
    #[error(
        "no Postgres {OLDEST_MAJOR} or later was found on PATH or under /usr/lib/postgresql. Install one (Debian: apt-get install postgresql), or set DATABASE_URL."
    )]
    NotInstalled,
    /// The data were made by a version that is not installed.
    #[error(
        "the data in {dir} were made by Postgres {version}, which is not installed. Install postgresql-{version}, or move the folder away to start afresh."
    )]
    WrongVersion {
        /// The data folder.
        dir: PathBuf,
        /// Its major version.
        version: String,
    },
    /// Another portal uses the folder.
    #[error("another portal is running with the data folder {0}. Stop it, or set SLIPWAY_DATA_DIR.")]
    InUse(PathBuf),
    /// As root, no user to run Postgres as.
    #[error("Postgres refuses to run as root, and there is neither a user “postgres” nor “nobody” to run it as.")]
    NoUser,
    /// A command failed; its last words.
    #[error("{command} failed: {output}")]
    Command {
        /// Which.
        command: &'static str,
        /// What it said.
        output: String,
    },
    /// It did not accept connections in time.
    #[error("Postgres did not start within {} s; its log is {log}", START_LIMIT.as_secs())]
    TooSlow {
        /// Where to look.
        log: PathBuf,
    },
    /// The file system.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A running private Postgres. [`PrivatePostgres::stop`] stops it; a portal that dies leaves it
/// running, and the next start adopts it.
#[derive(Debug)]
pub struct PrivatePostgres {
    data: PathBuf,
    socket_dir: PathBuf,
    /// Held for as long as the portal lives: the proof that no other portal uses the folder.
    _lock: File,
    /// Whether this start found it running, left behind by a portal that was killed.
    pub adopted: bool,
}

/// The user as whom Postgres runs.
#[derive(Debug, Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl PrivatePostgres {
    /// Starts it in a folder, making the cluster at the first start.
    ///
    /// # Errors
    /// See [`PrivatePostgresError`].
    pub async fn start(dir: &Path) -> Result<Self, PrivatePostgresError> {
        make_dir(dir, 0o755)?;
        let lock = lock(dir).await?;
        let account = account()?;
        let home = dir.join("postgres");
        make_dir(&home, 0o700)?;
        give(&home, account)?;
        let data = home.join("data");
        let socket_dir = socket_dir(&home, account)?;
        let bin = binaries(&data)?;
        if !data.join("PG_VERSION").exists() {
            initialize(&bin, &data, account).await?;
        }
        let mut postgres = Self { data, socket_dir, _lock: lock, adopted: false };
        if postgres.is_running() && postgres.accepts_connections().await {
            postgres.adopted = true;
            return Ok(postgres);
        }
        postgres.launch(&bin, account).await?;
        Ok(postgres)
    }

    /// What a client connects to.
    pub fn url(&self) -> String {
        let host: String =
            url::form_urlencoded::byte_serialize(self.socket_dir.as_os_str().as_encoded_bytes()).collect();
        format!("postgres://slipway@localhost/slipway?host={host}")
    }

    /// Stops it: open connections are ended, everything is written to disk.
    ///
    /// # Errors
    /// The process cannot be signalled.
    pub async fn stop(self) -> Result<(), PrivatePostgresError> {
        let Some(pid) = self.pid() else { return Ok(()) };
        let signal = |signal| rustix::process::kill_process(pid, signal);
        // INT is Postgres's fast shutdown (its manual, section 19.5): sessions end, a checkpoint is written.
        let _gone = signal(Signal::INT);
        let deadline = Instant::now() + STOP_LIMIT;
        while self.is_running() {
            if Instant::now() > deadline {
                let _gone = signal(Signal::QUIT);
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    fn pid_file(&self) -> PathBuf {
        self.data.join("postmaster.pid")
    }

    fn log_file(&self) -> PathBuf {
        self.data.with_file_name("postgres.log")
    }

    /// The postmaster's process, from its own file.
    fn pid(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        Pid::from_raw(text.lines().next()?.trim().parse().ok()?)
    }

    /// Whether the process in the file lives and works in this data folder: numbers are given again.
    fn is_running(&self) -> bool {
        self.pid().is_some_and(|pid| {
            let cwd = std::fs::read_link(format!("/proc/{}/cwd", pid.as_raw_nonzero()));
            match cwd {
                Ok(cwd) => cwd == self.data,
                // Without /proc, or where it hides other users' processes, ask the kernel.
                Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
                    rustix::process::test_kill_process(pid).is_ok()
                }
                Err(_) => !Path::new("/proc/self").exists() && rustix::process::test_kill_process(pid).is_ok(),
            }
        })
    }

    async fn accepts_connections(&self) -> bool {
        // The last line of the file is "ready" once connections are accepted (postmaster.pid, line 8).
        let ready = std::fs::read_to_string(self.pid_file())
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|line| line.trim() == "ready"));
        ready && tokio::net::UnixStream::connect(self.socket_dir.join(".s.PGSQL.5432")).await.is_ok()
    }

    async fn launch(&self, bin: &Path, account: Option<Account>) -> Result<(), PrivatePostgresError> {
        let log_path = self.log_file();
        let log = OpenOptions::new().create(true).append(true).open(&log_path).map_err(io_at(&log_path))?;
        let errors = log.try_clone().map_err(io_at(&log_path))?;
        let mut command = std::process::Command::new(bin.join("postgres"));
        command
            .arg("-D")
            .arg(&self.data)
            .args(["-c", "listen_addresses=", "-c", "fsync=on", "-c", "synchronous_commit=on"])
            .args(["-c", "shared_buffers=64MB", "-c", "max_connections=64", "-c", "max_wal_size=1GB"])
            .args(["-c", "log_line_prefix=%m [%p] ", "-c", "jit=off"])
            .arg("-c")
            .arg(format!("unix_socket_directories={}", self.socket_dir.display()))
            .current_dir(&self.data)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors);
        clean_environment(&mut command);
        run_as(&mut command, account);
        // A group of its own: Ctrl-C at the terminal must reach the portal alone, which then stops it.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(io_at(&bin.join("postgres")))?;
        let deadline = Instant::now() + START_LIMIT;
        loop {
            if self.accepts_connections().await {
                break;
            }
            if child.try_wait().map_err(io_at(&log_path))?.is_some() {
                return Err(PrivatePostgresError::Command { command: "postgres", output: tail(&log_path) });
            }
            if Instant::now() > deadline {
                return Err(PrivatePostgresError::TooSlow { log: log_path });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Somebody must collect it when it ends, or it stays as a zombie for as long as the portal runs.
        std::thread::spawn(move || child.wait());
        Ok(())
    }
}

/// Finds the binaries: for existing data those of the same version, else the newest.
fn binaries(data: &Path) -> Result<PathBuf, PrivatePostgresError> {
    let wanted = std::fs::read_to_string(data.join("PG_VERSION")).ok().map(|v| v.trim().to_owned());
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    let on_path = std::env::var_os("PATH").map(|p| std::env::split_paths(&p).collect::<Vec<_>>()).unwrap_or_default();
    let installed = ["/usr/lib/postgresql", "/usr/local/lib/postgresql", "/opt/postgresql"]
        .iter()
        .filter_map(|root| std::fs::read_dir(root).ok())
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"));
    for dir in on_path.into_iter().chain(installed) {
        if dir.join("postgres").exists()
            && dir.join("initdb").exists()
            && let Some(version) = version(&dir)
        {
            found.push((version, dir));
        }
    }
    found.sort();
    let Some(wanted) = wanted else {
        return found
            .pop()
            .filter(|(v, _)| *v >= OLDEST_MAJOR)
            .map(|(_, dir)| dir)
            .ok_or(PrivatePostgresError::NotInstalled);
    };
    found
        .into_iter()
        .find(|(version, _)| version.to_string() == wanted)
        .map(|(_, dir)| dir)
        .ok_or_else(|| PrivatePostgresError::WrongVersion { dir: data.to_owned(), version: wanted })
}

/// The major version: from the folder's name where the distribution keeps them apart, else by asking.
fn version(bin: &Path) -> Option<u32> {
    if let Some(version) = bin.parent().and_then(Path::file_name).and_then(|n| n.to_str()).and_then(|n| n.parse().ok())
    {
        return Some(version);
    }
    let output = std::process::Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

async fn initialize(bin: &Path, data: &Path, account: Option<Account>) -> Result<(), PrivatePostgresError> {
    // A first start that was killed leaves a half-made cluster without PG_VERSION's company: begin again.
    if data.exists() {
        std::fs::remove_dir_all(data).map_err(io_at(data))?;
    }
    let fresh = data.with_file_name("data.new");
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).map_err(io_at(&fresh))?;
    }
    let mut command = std::process::Command::new(bin.join("initdb"));
    command
        .arg("-D")
        .arg(&fresh)
        .args(["-U", "slipway", "-A", "trust", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"])
        .current_dir("/")
        .stdin(Stdio::null());
    clean_environment(&mut command);
    run_as(&mut command, account);
    let output = Command::from(command).output().await.map_err(io_at(&bin.join("initdb")))?;
    if !output.status.success() {
        return Err(PrivatePostgresError::Command {
            command: "initdb",
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    create_database(bin, &fresh, account).await?;
    // It appears under its name only when it is whole.
    std::fs::rename(&fresh, data).map_err(io_at(data))
}

/// Makes the portal's database in a new cluster, by Postgres's single-user mode: no server needed.
async fn create_database(bin: &Path, data: &Path, account: Option<Account>) -> Result<(), PrivatePostgresError> {
    use tokio::io::AsyncWriteExt as _;
    let mut command = std::process::Command::new(bin.join("postgres"));
    command.args(["--single", "-D"]).arg(data).arg("postgres").current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    clean_environment(&mut command);
    run_as(&mut command, account);
    let mut child = Command::from(command).spawn().map_err(io_at(&bin.join("postgres")))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(b"create database slipway;\n").await.map_err(io_at(data))?;
    }
    let output = child.wait_with_output().await.map_err(io_at(data))?;
    if output.status.success() {
        return Ok(());
    }
    Err(PrivatePostgresError::Command {
        command: "postgres --single",
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// As root: the user to become. Else nobody: we stay who we are.
fn account() -> Result<Option<Account>, PrivatePostgresError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        passwd
            .lines()
            .map(|line| line.split(':').collect::<Vec<_>>())
            .find(|f| f.first() == Some(&name))
            .and_then(|f| Some(Account { uid: f.get(2)?.parse().ok()?, gid: f.get(3)?.parse().ok()? }))
    };
    find("postgres").or_else(|| find("nobody")).map(Some).ok_or(PrivatePostgresError::NoUser)
}

fn run_as(command: &mut std::process::Command, account: Option<Account>) {
    if let Some(account) = account {
        std::os::unix::process::CommandExt::uid(command, account.uid);
        std::os::unix::process::CommandExt::gid(command, account.gid);
    }
}

/// Postgres reads PG* variables; none of ours is meant for it.
fn clean_environment(command: &mut std::process::Command) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
}

async fn lock(dir: &Path) -> Result<File, PrivatePostgresError> {
    let path = dir.join("lock");
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(io_at(&path))?;
    let deadline = Instant::now() + LOCK_LIMIT;
    while rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() > deadline {
            return Err(PrivatePostgresError::InUse(dir.to_owned()));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(file)
}

fn make_dir(dir: &Path, mode: u32) -> Result<(), PrivatePostgresError> {
    if !dir.is_dir() {
        std::fs::DirBuilder::new().recursive(true).mode(mode).create(dir).map_err(io_at(dir))?;
    }
    Ok(())
}

fn give(dir: &Path, account: Option<Account>) -> Result<(), PrivatePostgresError> {
    if let Some(account) = account
        && std::fs::metadata(dir).map_err(io_at(dir))?.uid() != account.uid
    {
        std::os::unix::fs::chown(dir, Some(account.uid), Some(account.gid)).map_err(io_at(dir))?;
    }
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o700)).map_err(io_at(dir))
}

/// The socket's folder: beside the data, or, where that path is too long for a socket, a folder
/// under the temporary one that bears the data folder's hash and belongs to the same user.
fn socket_dir(home: &Path, account: Option<Account>) -> Result<PathBuf, PrivatePostgresError> {
    use sha2::Digest as _;
    let beside = home.join("socket");
    let dir = if beside.as_os_str().len() <= LONGEST_SOCKET_DIR {
        beside
    } else {
        let hash = hex::encode(sha2::Sha256::digest(home.as_os_str().as_encoded_bytes()));
        std::env::temp_dir().join(format!("slipway-{}", &hash[..16]))
    };
    make_dir(&dir, 0o700)?;
    give(&dir, account)?;
    Ok(dir)
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> PrivatePostgresError + use<> {
    let path = path.to_owned();
    move |source| PrivatePostgresError::Io { path, source }
}

fn tail(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" / ")
}
