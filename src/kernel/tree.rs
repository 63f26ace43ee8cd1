//! A tree of files held in memory: what a template renders and what a commit holds.
//! A path in it can never leave it, so nothing that a template names can climb out of a workspace.

use std::collections::BTreeMap;

use bytes::Bytes;

/// The largest number of files in one tree. GitHub's tree API takes 100,000 entries
/// (REST, "Create a tree"); a template that makes more than a tenth of that has gone wrong.
pub const MAX_FILES: usize = 10_000;
/// The largest sum of file sizes in one tree, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The longest path, in bytes (Linux `PATH_MAX` less the terminator, rounded down).
pub const MAX_PATH: usize = 4_000;

/// Why a tree does not take a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// The path is absolute, climbs out, is empty, or names Git's own folder.
    #[error("“{path}” is not a path inside the workspace: {why}")]
    Path {
        /// As it was written.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// More than [`MAX_FILES`] files.
    #[error("more than {MAX_FILES} files")]
    TooMany,
    /// More than [`MAX_BYTES`] in all.
    #[error("more than {} MB in all", MAX_BYTES >> 20)]
    TooLarge,
    /// An archive that cannot be read.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
}

/// A relative path with `/` between its parts, checked: no part is empty, `.`, `..` or `.git`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TreePath(String);

impl TreePath {
    /// Checks and normalizes a path: `./a//b` becomes `a/b`, `a/../b` becomes `b`.
    ///
    /// # Errors
    /// The path is absolute, climbs out of the tree, is empty or too long, holds a NUL or a
    /// backslash, or has a part `.git`.
    pub fn new(path: &str) -> Result<Self, TreeError> {
        let refuse = |why| Err(TreeError::Path { path: path.to_owned(), why });
        if path.starts_with('/') {
            return refuse("it starts with a slash");
        }
        if path.contains('\0') || path.contains('\\') {
            return refuse("it holds a backslash or a NUL");
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return refuse("it climbs out");
                    }
                }
                part if is_git_folder(part) => return refuse("“.git” belongs to Git"),
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return refuse("it is empty");
        }
        let joined = parts.join("/");
        if joined.len() > MAX_PATH {
            return refuse("it is too long");
        }
        Ok(Self(joined))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// Whether some file system takes a part for Git's own folder: Git itself refuses these
/// (git-config, `core.protectNTFS`): other case, trailing dots and spaces, and the short name.
fn is_git_folder(part: &str) -> bool {
    let part = part.trim_end_matches(['.', ' ']);
    part.eq_ignore_ascii_case(".git") || part.eq_ignore_ascii_case("git~1")
}

impl std::fmt::Display for TreePath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What sort of file it is, as Git tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `100644`
    Regular,
    /// `100755`
    Executable,
    /// `120000`: the content is the target.
    Symlink,
}

impl Mode {
    /// Git's octal spelling.
    pub fn git(self) -> &'static str {
        match self {
            Self::Regular => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
        }
    }

    /// From Git's octal spelling; `None` for folders, submodules and the unknown.
    pub fn from_git(mode: &str) -> Option<Self> {
        match mode {
            "100644" | "100664" => Some(Self::Regular),
            "100755" => Some(Self::Executable),
            "120000" => Some(Self::Symlink),
            _ => None,
        }
    }
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its bytes, exactly.
    pub content: Bytes,
    /// Regular, executable or link.
    pub mode: Mode,
}

impl File {
    /// The content as text, if it is UTF-8 without NUL.
    pub fn text(&self) -> Option<&str> {
        if self.content.contains(&0) { None } else { std::str::from_utf8(&self.content).ok() }
    }
}

/// Files by path, in the order of their paths. Bounded by [`MAX_FILES`] and [`MAX_BYTES`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    files: BTreeMap<TreePath, File>,
    bytes: usize,
}

impl Tree {
    /// A tree without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a file at a path, in the place of one that was there.
    ///
    /// # Errors
    /// The tree would pass one of its limits.
    pub fn insert(&mut self, path: TreePath, file: File) -> Result<(), TreeError> {
        let before = self.files.get(&path).map_or(0, |f| f.content.len());
        let bytes = self.bytes - before + file.content.len();
        if bytes > MAX_BYTES {
            return Err(TreeError::TooLarge);
        }
        if self.files.len() >= MAX_FILES && !self.files.contains_key(&path) {
            return Err(TreeError::TooMany);
        }
        self.bytes = bytes;
        self.files.insert(path, file);
        Ok(())
    }

    /// Takes a file away; tells whether it was there.
    pub fn remove(&mut self, path: &TreePath) -> bool {
        match self.files.remove(path) {
            Some(file) => {
                self.bytes -= file.content.len();
                true
            }
            None => false,
        }
    }

    /// The file at a path.
    pub fn get(&self, path: &TreePath) -> Option<&File> {
        self.files.get(path)
    }

    /// All files, ordered by path.
    pub fn iter(&self) -> impl Iterator<Item = (&TreePath, &File)> {
        self.files.iter()
    }

    /// How many files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The sum of file sizes, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The files under a folder, with paths relative to it. `""` and `"."` are the whole tree.
    ///
    /// # Errors
    /// The folder is not a path inside the tree.
    pub fn under(&self, folder: &str) -> Result<Self, TreeError> {
        if folder.split('/').all(|part| part.is_empty() || part == ".") {
            return Ok(self.clone());
        }
        let folder = TreePath::new(folder)?;
        let prefix = format!("{folder}/");
        let mut out = Self::new();
        for (path, file) in &self.files {
            if let Some(rest) = path.0.strip_prefix(&prefix) {
                out.insert(TreePath(rest.to_owned()), file.clone())?;
            }
        }
        Ok(out)
    }

    /// As a tar archive, for keeping.
    ///
    /// # Errors
    /// A path or link target that tar cannot hold.
    pub fn to_tar(&self) -> Result<Vec<u8>, TreeError> {
        let failed = |e: std::io::Error| TreeError::Archive(e.to_string());
        let mut builder = tar::Builder::new(Vec::with_capacity(self.bytes + self.files.len() * 1024));
        for (path, file) in &self.files {
            let mut header = tar::Header::new_gnu();
            header.set_mtime(0);
            header.set_mode(if file.mode == Mode::Executable { 0o755 } else { 0o644 });
            if file.mode == Mode::Symlink {
                header.set_entry_type(tar::EntryType::Symlink);
                header.set_size(0);
                let target = String::from_utf8_lossy(&file.content).into_owned();
                builder.append_link(&mut header, &path.0, target).map_err(failed)?;
            } else {
                header.set_entry_type(tar::EntryType::Regular);
                header.set_size(file.content.len() as u64);
                builder.append_data(&mut header, &path.0, file.content.as_ref()).map_err(failed)?;
            }
        }
        builder.into_inner().map_err(failed)
    }

    /// From a tar archive. `strip` leading parts of each path are dropped; folders and
    /// entries that are neither files nor links are passed over.
    ///
    /// # Errors
    /// A broken archive, a path that climbs out, or one of the limits.
    pub fn from_tar(archive: impl std::io::Read, strip: usize) -> Result<Self, TreeError> {
        use std::io::Read as _;
        let failed = |e: std::io::Error| TreeError::Archive(e.to_string());
        let mut tree = Self::new();
        let mut archive = tar::Archive::new(archive);
        for entry in archive.entries().map_err(failed)? {
            let mut entry = entry.map_err(failed)?;
            let full = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let path = full.splitn(strip + 1, '/').nth(strip).unwrap_or("").to_owned();
            if path.is_empty() || path.ends_with('/') {
                continue;
            }
            let (content, mode) = match entry.header().entry_type() {
                tar::EntryType::Regular | tar::EntryType::Continuous => {
                    let executable = entry.header().mode().map_err(failed)? & 0o111 != 0;
                    let size = usize::try_from(entry.size()).map_err(|_| TreeError::TooLarge)?;
                    if size > MAX_BYTES {
                        return Err(TreeError::TooLarge);
                    }
                    let mut content = Vec::with_capacity(size);
                    entry.by_ref().take(MAX_BYTES as u64 + 1).read_to_end(&mut content).map_err(failed)?;
                    (content, if executable { Mode::Executable } else { Mode::Regular })
                }
                tar::EntryType::Symlink => {
                    let target = entry.link_name_bytes().map(|b| b.into_owned()).unwrap_or_default();
                    (target, Mode::Symlink)
                }
                _ => continue,
            };
            tree.insert(TreePath::new(&path)?, File { content: content.into(), mode })?;
        }
        Ok(tree)
    }
}
