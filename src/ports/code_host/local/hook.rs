//! The one hook that runs when somebody pushes over HTTP: it refuses protected branches. It lies
//! in a folder of this host, outside every repository, so nothing in a repository can change it.
//! Commits of the portal itself do not pass here.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::errors::{disk, unavailable};
use super::metadata::PROTECTED;
use crate::ports::PortError;

/// Git runs it once for each ref that a push would change: name, old id, new id. It uses nothing
/// but the shell itself, since a missing helper must not open a protected branch; and where the
/// list cannot be read, it refuses.
const UPDATE: &str = r#"#!/bin/sh
# Written by Slipway; replaced when it starts.
case "$1" in
    refs/heads/* | refs/tags/*) ;;
    *) echo "Only branches and tags can be pushed." >&2; exit 1 ;;
esac
if [ ! -r "$GIT_DIR/slipway.protected" ]; then
    echo "The list of protected branches cannot be read." >&2
    exit 1
fi
while IFS= read -r protected; do
    if [ "$protected" = "$1" ]; then
        echo "${1#refs/heads/} is protected: propose the change instead of pushing it." >&2
        exit 1
    fi
done < "$GIT_DIR/slipway.protected"
exit 0
"#;

/// How often starting the hook is tried, and how long it waits between. While any process of the
/// machine still holds a just-written program open, starting it fails with “text file busy”.
const TRIES: u32 = 25;
const BETWEEN: Duration = Duration::from_millis(20);

/// Writes the hook into a folder and tries it out there.
///
/// Git passes over a hook that it cannot start (a data folder that is mounted `noexec`, no
/// `/bin/sh`), and protected branches would be open. So a hook that does not work is an error.
pub(super) fn install(folder: &Path) -> Result<(), PortError> {
    let target = folder.join("update");
    if !is_in_place(&target) {
        write(&target).map_err(disk("writing the update hook"))?;
    }
    // A folder for this trial alone: another process may be starting at the same time.
    let trial = folder.join(format!("trial-{}", uuid::Uuid::new_v4().simple()));
    let works = try_both(&target, &trial).map_err(disk("the update hook cannot be started"));
    let _ = std::fs::remove_dir_all(&trial);
    if works? {
        return Ok(());
    }
    Err(unavailable(format!("the update hook {} does not work on this machine", target.display())))
}

fn is_in_place(target: &Path) -> bool {
    let executable = std::fs::metadata(target).is_ok_and(|m| m.permissions().mode() & 0o100 != 0);
    executable && std::fs::read(target).is_ok_and(|content| content == UPDATE.as_bytes())
}

/// Whether it lets an open branch through and holds a protected one back.
fn try_both(hook: &Path, trial: &Path) -> std::io::Result<bool> {
    std::fs::create_dir(trial)?;
    std::fs::write(trial.join(PROTECTED), "refs/heads/protected\n")?;
    Ok(try_out(hook, trial, "refs/heads/open")? && !try_out(hook, trial, "refs/heads/protected")?)
}

fn write(target: &Path) -> std::io::Result<()> {
    let fresh = target.with_file_name(format!("update-{}", uuid::Uuid::new_v4().simple()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o755).open(&fresh)?;
    file.write_all(UPDATE.as_bytes())?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(&fresh, target)
}

fn try_out(hook: &Path, trial: &Path, name: &str) -> std::io::Result<bool> {
    let mut tries = 0;
    loop {
        let ran = Command::new(hook)
            .args([name, "old", "new"])
            .env_clear()
            .env("GIT_DIR", trial)
            .current_dir(trial)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        match ran {
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < TRIES => {
                tries += 1;
                std::thread::sleep(BETWEEN);
            }
            ran => return ran.map(|status| status.success()),
        }
    }
}
