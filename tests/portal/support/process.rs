//! The real binary as a process of its own, for tests that kill it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running binary.
pub struct Process {
    child: Child,
    /// Its address.
    pub base: String,
    log: PathBuf,
}

impl Process {
    /// Starts the binary on a port, with variables, and waits until it is ready or has ended.
    pub fn start(data: &Path, port: u16, vars: &[(&str, &str)]) -> Self {
        let log = data.with_extension("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_slipway"));
        command
            .env_remove("DATABASE_URL")
            .env("SLIPWAY_DATA_DIR", data)
            .env("SLIPWAY_LISTEN", format!("127.0.0.1:{port}"))
            .env("SLIPWAY_EXAMPLE", "0")
            .env("SLIPWAY_DEMO", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        for (name, value) in vars {
            command.env(name, value);
        }
        let child = command.spawn().expect("the binary starts");
        let mut process = Self { child, base: format!("http://127.0.0.1:{port}"), log };
        process.wait_ready();
        process
    }

    fn wait_ready(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            if self.ended() {
                return;
            }
            if answers(&self.base) {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
        panic!("the portal does not become ready; its log: {}", self.log_tail());
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_some()
    }

    /// Waits until it ends by itself; false if it does not within the time.
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if self.ended() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Kills it as `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it is gone");
    }

    /// Stops it as a service manager does.
    pub fn stop(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        assert!(self.ends_within(Duration::from_secs(30)), "it does not stop; its log: {}", self.log_tail());
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(12)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Whether a portal at an address says that it is ready.
fn answers(base: &str) -> bool {
    use std::io::{Read as _, Write as _};
    let address = base.trim_start_matches("http://");
    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return false };
    let _set = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    if stream.write_all(request.as_bytes()).is_err() {
        return false;
    }
    let mut text = String::new();
    let _read = stream.read_to_string(&mut text);
    text.starts_with("HTTP/1.1 200")
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A data folder that the private Postgres can reach although it drops to another user.
pub fn data_dir() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::Builder::new().prefix("slipway-test-").tempdir_in("/tmp").expect("a folder");
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("permissions");
    dir
}

/// Stops the private Postgres that a killed portal has left behind.
pub fn stop_postgres(data: &Path) {
    let file = data.join("portal/postgres/data/postmaster.pid");
    let pid = std::fs::read_to_string(file).ok().and_then(|t| t.lines().next().and_then(|l| l.trim().parse().ok()));
    if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        std::thread::sleep(Duration::from_millis(300));
    }
}
