//! Git's object store of one repository: blobs, trees and commits with their real ids, and the
//! branches and tags. An id that the simulation gives is the one that Git itself would give.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use super::sha1;

/// The sort of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The bytes of a file.
    Blob,
    /// A folder.
    Tree,
    /// A commit.
    Commit,
}

impl Kind {
    /// Git's word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
        }
    }
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Git's octal spelling: `40000` for a folder.
    pub mode: String,
    /// Its name in the folder, or its path in a flat listing.
    pub name: String,
    /// The object.
    pub sha: String,
}

impl Entry {
    /// Whether it is a folder.
    pub fn is_tree(&self) -> bool {
        self.mode == "40000"
    }
}

/// Who, and when, in Git's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name.
    pub name: String,
    /// Address.
    pub email: String,
    /// Seconds since 1970.
    pub time: i64,
}

impl Signature {
    fn text(&self) -> String {
        format!("{} <{}> {} +0000", self.name, self.email, self.time)
    }

    fn parse(line: &str) -> Self {
        let (name, rest) = line.split_once(" <").unwrap_or((line, ""));
        let (email, when) = rest.split_once("> ").unwrap_or((rest, "0"));
        let time = when.split(' ').next().and_then(|t| t.parse().ok()).unwrap_or_default();
        Self { name: name.to_owned(), email: email.to_owned(), time }
    }
}

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its files.
    pub tree: String,
    /// What it stands on.
    pub parents: Vec<String>,
    /// Who wrote it.
    pub author: Signature,
    /// Who put it in.
    pub committer: Signature,
    /// Its message.
    pub message: String,
}

/// Files by path: mode and blob.
pub type Flat = BTreeMap<String, (String, String)>;

/// The object store of one repository.
#[derive(Debug, Clone, Default)]
pub struct Git {
    objects: HashMap<String, (Kind, Vec<u8>)>,
    /// Branches and tags by their full names.
    pub refs: BTreeMap<String, String>,
}

impl Git {
    /// Stores an object and tells its id.
    pub fn put(&mut self, kind: Kind, data: Vec<u8>) -> String {
        let mut whole = format!("{} {}\0", kind.word(), data.len()).into_bytes();
        whole.extend_from_slice(&data);
        let sha = sha1::hex(&whole);
        self.objects.insert(sha.clone(), (kind, data));
        sha
    }

    /// The data of an object of that sort.
    pub fn get(&self, kind: Kind, sha: &str) -> Option<&[u8]> {
        self.objects.get(sha).filter(|(k, _)| *k == kind).map(|(_, data)| data.as_slice())
    }

    /// The entries of a tree.
    pub fn tree(&self, sha: &str) -> Option<Vec<Entry>> {
        let mut data = self.get(Kind::Tree, sha)?;
        let mut entries = Vec::new();
        while !data.is_empty() {
            let end = data.iter().position(|b| *b == 0)?;
            let head = std::str::from_utf8(&data[..end]).ok()?;
            let (mode, name) = head.split_once(' ')?;
            let sha = data.get(end + 1..end + 21)?.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat();
            entries.push(Entry { mode: mode.to_owned(), name: name.to_owned(), sha });
            data = &data[end + 21..];
        }
        Some(entries)
    }

    /// Stores a tree.
    pub fn put_tree(&mut self, mut entries: Vec<Entry>) -> String {
        // Git sorts a folder as if its name ended with a slash.
        entries.sort_by_key(|e| if e.is_tree() { format!("{}/", e.name) } else { e.name.clone() });
        let mut data = Vec::new();
        for entry in &entries {
            data.extend_from_slice(format!("{} {}\0", entry.mode, entry.name).as_bytes());
            for pair in entry.sha.as_bytes().chunks_exact(2) {
                let pair = std::str::from_utf8(pair).expect("hexadecimal is ASCII");
                data.push(u8::from_str_radix(pair, 16).expect("an id is hexadecimal"));
            }
        }
        self.put(Kind::Tree, data)
    }

    /// All files of a tree and below.
    pub fn flat(&self, tree: &str) -> Option<Flat> {
        let mut flat = Flat::new();
        for entry in self.tree(tree)? {
            if entry.is_tree() {
                for (below, file) in self.flat(&entry.sha)? {
                    flat.insert(format!("{}/{below}", entry.name), file);
                }
            } else {
                flat.insert(entry.name, (entry.mode, entry.sha));
            }
        }
        Some(flat)
    }

    /// Stores a tree with all its folders.
    pub fn put_flat(&mut self, flat: &Flat) -> String {
        let mut entries = Vec::new();
        let mut folders: BTreeMap<&str, Flat> = BTreeMap::new();
        for (path, (mode, sha)) in flat {
            match path.split_once('/') {
                Some((folder, below)) => {
                    folders.entry(folder).or_default().insert(below.to_owned(), (mode.clone(), sha.clone()));
                }
                None => entries.push(Entry { mode: mode.clone(), name: path.clone(), sha: sha.clone() }),
            }
        }
        for (folder, below) in folders {
            let sha = self.put_flat(&below);
            entries.push(Entry { mode: "40000".to_owned(), name: folder.to_owned(), sha });
        }
        self.put_tree(entries)
    }

    /// All entries of a tree and below, folders too, in the order in which GitHub lists them.
    pub fn walk(&self, tree: &str) -> Vec<Entry> {
        let mut all = Vec::new();
        for entry in self.tree(tree).unwrap_or_default() {
            let (is_tree, name, sha) = (entry.is_tree(), entry.name.clone(), entry.sha.clone());
            all.push(entry);
            if is_tree {
                let below = self.walk(&sha).into_iter();
                all.extend(below.map(|e| Entry { name: format!("{name}/{}", e.name), ..e }));
            }
        }
        all
    }

    /// Reads a commit.
    pub fn commit(&self, sha: &str) -> Option<Commit> {
        let text = String::from_utf8_lossy(self.get(Kind::Commit, sha)?).into_owned();
        let (head, message) = text.split_once("\n\n")?;
        let all = |key: &str| -> Vec<String> {
            head.lines().filter_map(|l| l.strip_prefix(key)).map(str::to_owned).collect()
        };
        Some(Commit {
            tree: all("tree ").pop()?,
            parents: all("parent "),
            author: Signature::parse(&all("author ").pop()?),
            committer: Signature::parse(&all("committer ").pop()?),
            message: message.to_owned(),
        })
    }

    /// Stores a commit.
    pub fn put_commit(&mut self, commit: &Commit) -> String {
        let parents = commit.parents.iter().map(|p| format!("parent {p}\n")).collect::<Vec<_>>().concat();
        let text = format!(
            "tree {}\n{parents}author {}\ncommitter {}\n\n{}",
            commit.tree,
            commit.author.text(),
            commit.committer.text(),
            commit.message
        );
        self.put(Kind::Commit, text.into_bytes())
    }

    /// Whether one commit is another, or stands on it.
    pub fn stands_on(&self, commit: &str, ancestor: &str) -> bool {
        let (mut seen, mut queue) = (HashSet::new(), VecDeque::from([commit.to_owned()]));
        while let Some(sha) = queue.pop_front() {
            if sha == ancestor {
                return true;
            }
            if seen.insert(sha.clone()) {
                queue.extend(self.commit(&sha).map(|c| c.parents).unwrap_or_default());
            }
        }
        false
    }

    /// The commit that a branch, tag, full name or commit id stands for.
    pub fn resolve(&self, at: &str) -> Option<String> {
        let names = [format!("refs/heads/{at}"), format!("refs/tags/{at}"), format!("refs/{at}"), at.to_owned()];
        let found = names.iter().find_map(|full| self.refs.get(full));
        found.cloned().or_else(|| self.get(Kind::Commit, at).map(|_| at.to_owned()))
    }
}

#[test]
fn ids_are_those_that_git_gives() {
    let mut git = Git::default();
    let blob = git.put(Kind::Blob, b"hi\n".to_vec());
    assert_eq!(blob, "45b983be36b73c0788dc9cbcb76cbb80fc7bb057");
    let listing = Flat::from([
        ("b/a".to_owned(), ("100755".to_owned(), blob.clone())),
        ("b.c".to_owned(), ("100644".to_owned(), blob)),
    ]);
    let root = git.put_flat(&listing);
    assert_eq!(git.flat(&root).expect("it was stored"), listing);
    // What `git write-tree` gives for the same files.
    assert_eq!(root, "ef088668d077cd8efed827d0851a2cd70ecc2c51");
}
