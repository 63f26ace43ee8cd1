//! Reads objects of a repository: names to ids, commits, file contents, whole trees. Everything
//! is bounded while it is read. Writes nothing.

use bytes::Bytes;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

use super::errors::{invalid, not_found, tree as tree_error, unavailable};
use super::git::{Call, Git};
use super::names;
use super::running::Running;
use crate::kernel::tree::{File, MAX_BYTES, MAX_FILES, Mode, Tree, TreeError, TreePath};
use crate::ports::PortError;
use crate::ports::code_host::{Fetched, MAX_FILE};

/// The longest line or record that is taken, in bytes: a path of the longest length, escaped, and
/// what stands before it.
const RECORD: u64 = 16 << 10;
/// The largest commit object that is read, in bytes: a message, not a file.
const MAX_COMMIT: u64 = 1 << 20;

/// What an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Info {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) size: u64,
}

/// A commit, as far as we look at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) tree: String,
    pub(super) parents: Vec<String>,
    /// `Name <address>`, without the date.
    pub(super) author: String,
    pub(super) message: String,
}

/// One `git cat-file` process that answers question after question.
#[derive(Debug)]
pub(super) struct Objects {
    // Ends the process when it goes; nothing else is asked of it.
    _running: Running,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Objects {
    pub(super) fn open(git: &Git, repository: &std::path::Path) -> Result<Self, PortError> {
        // `-z`: questions end with a NUL, since a path may hold a newline.
        let (running, questions, answers) = git.call(repository, "cat-file").args(["--batch-command", "-z"]).start()?;
        Ok(Self { _running: running, questions, answers: BufReader::new(answers) })
    }

    /// What stands behind a name in Git's language, if anything does.
    pub(super) async fn info(&mut self, name: &str) -> Result<Option<Info>, PortError> {
        self.ask("info", name).await?;
        let answer = self.line().await?;
        if let Some(info) = parse_info(&answer) {
            return Ok(Some(info));
        }
        // “<name> missing”, and the name is echoed with the newlines that it holds. It cannot be
        // taken for a found object: such an answer starts with an id, a space, and a kind.
        for _ in name.matches('\n') {
            self.line().await?;
        }
        Ok(None)
    }

    /// The bytes of an object whose size is known and was found bearable.
    pub(super) async fn contents(&mut self, info: &Info) -> Result<Bytes, PortError> {
        self.ask("contents", &info.id).await?;
        let answer = self.line().await?;
        if parse_info(&answer).as_ref() != Some(info) {
            return Err(unavailable(format!("object {} cannot be read: {}", info.id, answer.trim_end())));
        }
        let size = usize::try_from(info.size).map_err(|_| invalid(format!("object {} is too large", info.id)))?;
        // And the newline that ends the answer.
        let mut bytes = vec![0; size + 1];
        self.answers.read_exact(&mut bytes).await.map_err(lost)?;
        bytes.truncate(size);
        Ok(bytes.into())
    }

    /// The commit that a branch, tag or commit id stands for.
    pub(super) async fn resolve(&mut self, at: &str) -> Result<String, PortError> {
        for name in names::revision(at)? {
            if let Some(info) = self.info(&format!("{name}^{{commit}}")).await? {
                return Ok(info.id);
            }
        }
        Err(not_found(format!("“{at}”")))
    }

    /// The commit at a full ref, if there is one.
    pub(super) async fn head(&mut self, full_ref: &str) -> Result<Option<Commit>, PortError> {
        match self.info(&format!("{full_ref}^{{commit}}")).await? {
            Some(info) => self.commit(&info.id).await.map(Some),
            None => Ok(None),
        }
    }

    /// A commit by its id.
    pub(super) async fn commit(&mut self, id: &str) -> Result<Commit, PortError> {
        let info = self.info(id).await?.filter(|info| info.kind == "commit");
        let info = info.ok_or_else(|| not_found(format!("commit {id}")))?;
        if info.size > MAX_COMMIT {
            return Err(invalid(format!("commit {id} is larger than {} kB", MAX_COMMIT >> 10)));
        }
        let bytes = self.contents(&info).await?;
        Ok(parse_commit(info.id, &String::from_utf8_lossy(&bytes)))
    }

    async fn ask(&mut self, command: &str, about: &str) -> Result<(), PortError> {
        let question = format!("{command} {about}\0");
        self.questions.write_all(question.as_bytes()).await.map_err(lost)?;
        self.questions.flush().await.map_err(lost)
    }

    async fn line(&mut self) -> Result<String, PortError> {
        let mut line = Vec::new();
        (&mut self.answers).take(RECORD).read_until(b'\n', &mut line).await.map_err(lost)?;
        if line.pop() == Some(b'\n') {
            Ok(String::from_utf8_lossy(&line).into_owned())
        } else {
            Err(unavailable("git cat-file ended in the middle of an answer"))
        }
    }
}

/// The NUL-terminated records that a call puts out, one by one.
#[derive(Debug)]
pub(super) struct Records {
    running: Running,
    output: BufReader<ChildStdout>,
    what: &'static str,
}

impl Records {
    pub(super) fn open(call: Call, what: &'static str) -> Result<Self, PortError> {
        let (running, stdin, output) = call.start()?;
        drop(stdin);
        Ok(Self { running, output: BufReader::new(output), what })
    }

    /// The next record without its NUL; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, PortError> {
        let failed = |e: std::io::Error| unavailable(format!("git {}: {e}", self.what));
        let mut record = Vec::new();
        let read = (&mut self.output).take(RECORD).read_until(0, &mut record).await.map_err(failed)?;
        match (read, record.pop()) {
            (0, _) => Ok(None),
            (_, Some(0)) => Ok(Some(record)),
            _ => Err(invalid(format!("git {} put out a record above {} kB", self.what, RECORD >> 10))),
        }
    }

    /// At the end: whether it was the real end.
    pub(super) async fn end(self) -> Result<(), PortError> {
        let (status, errors) = self.running.end().await?;
        if status.success() {
            Ok(())
        } else {
            Err(unavailable(format!("git {}: {status}: {}", self.what, errors.trim())))
        }
    }
}

/// One line of `git ls-tree -l`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TreeLine {
    pub(super) mode: String,
    pub(super) object: Info,
    pub(super) path: Vec<u8>,
}

/// Starts listing a tree by its id.
pub(super) fn list(git: &Git, repository: &std::path::Path, tree: &str, deep: bool) -> Result<Records, PortError> {
    let flags: &[&str] = if deep { &["-r", "-z", "-l", "--full-tree"] } else { &["-z", "-l", "--full-tree"] };
    Records::open(git.call(repository, "ls-tree").args(flags).args(["--end-of-options", tree]), "ls-tree")
}

/// The next line of such a listing.
pub(super) async fn next_line(records: &mut Records) -> Result<Option<TreeLine>, PortError> {
    match records.next().await? {
        None => Ok(None),
        Some(record) => parse_tree_line(&record)
            .map(Some)
            .ok_or_else(|| unavailable(format!("git ls-tree said “{}”", String::from_utf8_lossy(&record)))),
    }
}

/// The folder at a path of a commit: the id of its tree.
pub(super) async fn folder(objects: &mut Objects, commit: &str, folder: &str) -> Result<String, PortError> {
    let whole = folder.split('/').all(|part| part.is_empty() || part == ".");
    let path = if whole { String::new() } else { TreePath::new(folder).map_err(|e| tree_error(&e))?.to_string() };
    let found = objects.info(&format!("{commit}:{path}")).await?.filter(|info| info.kind == "tree");
    found.map(|info| info.id).ok_or_else(|| not_found(format!("the folder “{folder}”")))
}

/// One file; see `CodeHost::read_file`. The tag is the id of its content.
pub(super) async fn read_file(
    objects: &mut Objects,
    at: &str,
    path: &str,
    known: Option<&str>,
) -> Result<Fetched, PortError> {
    let checked = TreePath::new(path).map_err(|e| tree_error(&e))?;
    let commit = objects.resolve(at).await?;
    let found = objects.info(&format!("{commit}:{checked}")).await?.filter(|info| info.kind == "blob");
    let info = found.ok_or_else(|| not_found(format!("the file “{path}”")))?;
    if known == Some(info.id.as_str()) {
        return Ok(Fetched::NotModified);
    }
    if info.size > MAX_FILE as u64 {
        return Err(invalid(format!("“{path}” is larger than {} MB", MAX_FILE >> 20)));
    }
    let bytes = objects.contents(&info).await?;
    Ok(Fetched::Content { bytes, etag: Some(info.id) })
}

/// All files under a tree. Listed first, so that a tree above the limits is refused before any
/// content is read. Not by `git archive`: that obeys `export-ignore` and `export-subst`.
pub(super) async fn read_tree(objects: &mut Objects, mut lines: Records) -> Result<Tree, PortError> {
    let mut wanted = Vec::new();
    let mut bytes = 0_u64;
    while let Some(line) = next_line(&mut lines).await? {
        // A submodule is another repository, not a file.
        let Some(mode) = Mode::from_git(&line.mode) else { continue };
        bytes = bytes.saturating_add(line.object.size);
        if wanted.len() >= MAX_FILES {
            return Err(tree_error(&TreeError::TooMany));
        }
        if bytes > MAX_BYTES as u64 {
            return Err(tree_error(&TreeError::TooLarge));
        }
        let path = String::from_utf8(line.path)
            .map_err(|e| invalid(format!("the name “{}” is not UTF-8", String::from_utf8_lossy(e.as_bytes()))))?;
        wanted.push((TreePath::new(&path).map_err(|e| tree_error(&e))?, mode, line.object));
    }
    lines.end().await?;
    let mut tree = Tree::new();
    for (path, mode, object) in wanted {
        let content = objects.contents(&object).await?;
        tree.insert(path, File { content, mode }).map_err(|e| tree_error(&e))?;
    }
    Ok(tree)
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn lost(e: std::io::Error) -> PortError {
    unavailable(format!("git cat-file: {e}"))
}

/// `<id> <kind> <size>`
fn parse_info(line: &str) -> Option<Info> {
    let mut parts = line.split(' ');
    let (id, kind, size) = (parts.next()?, parts.next()?, parts.next()?);
    let known = matches!(kind, "blob" | "tree" | "commit" | "tag") && parts.next().is_none() && names::is_id(id);
    known.then_some(())?;
    Some(Info { id: id.to_owned(), kind: kind.to_owned(), size: size.parse().ok()? })
}

/// `<mode> <kind> <id> <size, padded>\t<path>`; the size is `-` for what has none.
fn parse_tree_line(record: &[u8]) -> Option<TreeLine> {
    let (head, path) = record.split_at_checked(record.iter().position(|&b| b == b'\t')?)?;
    let mut parts = std::str::from_utf8(head).ok()?.split_ascii_whitespace();
    let (mode, kind, id, size) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let size = if size == "-" { 0 } else { size.parse().ok()? };
    let object = Info { id: id.to_owned(), kind: kind.to_owned(), size };
    Some(TreeLine { mode: mode.to_owned(), object, path: path.get(1..)?.to_vec() })
}

fn parse_commit(id: String, text: &str) -> Commit {
    let (head, message) = text.split_once("\n\n").unwrap_or((text, ""));
    let values = |key: &'static str| head.lines().filter_map(move |l| l.strip_prefix(key)?.strip_prefix(' '));
    let author = values("author").next().unwrap_or_default();
    // The date and its zone follow the name and address.
    let author = author.rsplitn(3, ' ').nth(2).unwrap_or_default();
    Commit {
        id,
        tree: values("tree").next().unwrap_or_default().to_owned(),
        parents: values("parent").map(str::to_owned).collect(),
        author: author.to_owned(),
        message: message.to_owned(),
    }
}
