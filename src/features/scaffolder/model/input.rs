//! What the actions take: rendered JSON read into types, with what is wrong in words.

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde_json::{Map, Value};

use super::repo_url;
use crate::ports::code_host::{Protection, RepositoryName, Visibility};

/// Why an input cannot be used: which field, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InputError(pub String);

/// Reads fields of an input and notes which were read, so that a misspelt one is told.
struct Fields<'a> {
    map: &'a Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn of(input: &'a Value) -> Result<Self, InputError> {
        let map = input.as_object().ok_or_else(|| InputError("its input is no mapping".to_owned()))?;
        Ok(Self { map, known: Vec::new() })
    }

    fn get(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.push(name);
        self.map.get(name).filter(|v| !v.is_null())
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, InputError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(s)) => Ok(Some(s.clone())),
            Some(Value::Number(n)) => Ok(Some(n.to_string())),
            Some(other) => Err(InputError(format!("“{name}” is {other}; it should be text"))),
        }
    }

    fn required(&mut self, name: &'static str) -> Result<String, InputError> {
        self.text(name)?.ok_or_else(|| InputError(format!("“{name}” is missing")))
    }

    fn switch(&mut self, name: &'static str, default: bool) -> Result<bool, InputError> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(b)) => Ok(*b),
            Some(other) => Err(InputError(format!("“{name}” is {other}; it should be true or false"))),
        }
    }

    fn texts(&mut self, name: &'static str) -> Result<Vec<String>, InputError> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .iter()
                .map(|i| {
                    i.as_str()
                        .map(str::to_owned)
                        .ok_or_else(|| InputError(format!("“{name}” holds {i}; it should hold texts")))
                })
                .collect(),
            Some(other) => Err(InputError(format!("“{name}” is {other}; it should be a list of texts"))),
        }
    }

    fn number(&mut self, name: &'static str, default: u8, most: u8) -> Result<u8, InputError> {
        match self.get(name) {
            None => Ok(default),
            Some(v) => v
                .as_u64()
                .and_then(|n| u8::try_from(n).ok())
                .filter(|n| *n <= most)
                .ok_or_else(|| InputError(format!("“{name}” is {v}; it should be a number from 0 to {most}"))),
        }
    }

    /// What was given and is not known, for a warning.
    fn unknown(&self) -> Vec<String> {
        self.map.keys().filter(|k| !self.known.contains(&k.as_str())).cloned().collect()
    }
}

/// `fetch:template`
#[derive(Debug, Clone)]
pub struct FetchTemplate {
    /// The skeleton, relative to the template or an address.
    pub url: String,
    /// Folder of the workspace.
    pub target_path: String,
    /// What the skeleton sees as `values`.
    pub values: Value,
    /// Files whose content is not rendered.
    pub copy_without_templating: GlobSet,
    /// Files of which neither content nor name is rendered; the older spelling.
    pub copy_without_render: GlobSet,
    /// Only files with this ending are rendered, and lose it.
    pub template_extension: Option<String>,
    /// Whether files that are there are replaced.
    pub replace: bool,
    /// White space after a block tag goes.
    pub trim_blocks: bool,
    /// White space before a block tag goes.
    pub lstrip_blocks: bool,
    /// Fields that nothing reads.
    pub unknown: Vec<String>,
}

impl FetchTemplate {
    /// From rendered JSON.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn read(input: &Value) -> Result<Self, InputError> {
        let mut f = Fields::of(input)?;
        let template_extension = match f.get("templateFileExtension") {
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(".njk".to_owned()),
            Some(Value::String(s)) => Some(s.clone()),
            Some(other) => {
                return Err(InputError(format!("“templateFileExtension” is {other}; it should be text or true")));
            }
        };
        if f.switch("cookiecutterCompat", false)? {
            return Err(InputError("“cookiecutterCompat” is not supported".to_owned()));
        }
        let _token = f.get("token");
        Ok(Self {
            url: f.required("url")?,
            target_path: f.text("targetPath")?.unwrap_or_default(),
            values: f.get("values").cloned().unwrap_or_else(|| Value::Object(Map::new())),
            copy_without_templating: globs(&f.texts("copyWithoutTemplating")?)?,
            copy_without_render: globs(&f.texts("copyWithoutRender")?)?,
            template_extension,
            replace: f.switch("replace", false)?,
            trim_blocks: f.switch("trimBlocks", false)?,
            lstrip_blocks: f.switch("lstripBlocks", false)?,
            unknown: f.unknown(),
        })
    }
}

fn globs(patterns: &[String]) -> Result<GlobSet, InputError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(Glob::new(pattern).map_err(|e| InputError(format!("the pattern “{pattern}”: {e}")))?);
    }
    set.build().map_err(|e| InputError(e.to_string()))
}

/// `fetch:plain`
#[derive(Debug, Clone)]
pub struct FetchPlain {
    /// A folder, relative to the template or an address.
    pub url: String,
    /// Folder of the workspace.
    pub target_path: String,
    /// Fields that nothing reads.
    pub unknown: Vec<String>,
}

impl FetchPlain {
    /// From rendered JSON.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn read(input: &Value) -> Result<Self, InputError> {
        let mut f = Fields::of(input)?;
        let _token = f.get("token");
        Ok(Self {
            url: f.required("url")?,
            target_path: f.text("targetPath")?.unwrap_or_default(),
            unknown: f.unknown(),
        })
    }
}

/// Who gets access to a new repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// A team of the owner, or a person.
    pub team: bool,
    /// Slug or login.
    pub name: String,
    /// `pull`, `triage`, `push`, `maintain`, `admin`, or a custom role.
    pub permission: String,
}

/// `publish:github`
#[derive(Debug, Clone)]
pub struct Publish {
    /// The repository to be made.
    pub repository: RepositoryName,
    /// One sentence.
    pub description: String,
    /// Its homepage once the run is done.
    pub homepage: String,
    /// Who may see it.
    pub visibility: Visibility,
    /// The branch.
    pub branch: String,
    /// Of the first commit.
    pub message: String,
    /// Of the first commit.
    pub author: Option<(String, String)>,
    /// Folder of the workspace that is published.
    pub source_path: String,
    /// Lower case.
    pub topics: Vec<String>,
    /// Who gets access.
    pub access: Vec<Access>,
    /// How the branch is protected.
    pub protection: Option<Protection>,
    /// Merging.
    pub merge_commit: bool,
    /// Merging.
    pub squash_merge: bool,
    /// Merging.
    pub rebase_merge: bool,
    /// Merging.
    pub delete_branch_on_merge: bool,
    /// Parts of the repository.
    pub has: (Option<bool>, Option<bool>, Option<bool>),
    /// Fields that nothing reads.
    pub unknown: Vec<String>,
}

impl Publish {
    /// From rendered JSON. Defaults are Backstage's.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn read(input: &Value) -> Result<Self, InputError> {
        let mut f = Fields::of(input)?;
        let repository = repo_url::parse(&f.required("repoUrl")?).map_err(InputError)?;
        let visibility = match f.text("repoVisibility")?.as_deref() {
            None | Some("private") => Visibility::Private,
            Some("public") => Visibility::Public,
            Some("internal") => Visibility::Internal,
            Some(other) => {
                return Err(InputError(format!(
                    "“repoVisibility” is {other}; it should be private, internal or public"
                )));
            }
        };
        let author = match (f.text("gitAuthorName")?, f.text("gitAuthorEmail")?) {
            (None, None) => None,
            (name, email) => Some((
                name.unwrap_or_else(|| "Scaffolder".to_owned()),
                email.unwrap_or_else(|| "scaffolder@localhost".to_owned()),
            )),
        };
        let access = access(&mut f, &repository)?;
        let has = |v: Option<&Value>| v.and_then(Value::as_bool);
        Ok(Self {
            description: f.text("description")?.unwrap_or_default(),
            homepage: f.text("homepage")?.unwrap_or_default(),
            visibility,
            branch: f.text("defaultBranch")?.unwrap_or_else(|| "master".to_owned()),
            message: f.text("gitCommitMessage")?.unwrap_or_else(|| "initial commit".to_owned()),
            author,
            source_path: f.text("sourcePath")?.unwrap_or_default(),
            topics: f.texts("topics")?.iter().map(|t| t.to_lowercase()).collect(),
            access,
            protection: protection(&mut f)?,
            merge_commit: f.switch("allowMergeCommit", true)?,
            squash_merge: f.switch("allowSquashMerge", true)?,
            rebase_merge: f.switch("allowRebaseMerge", true)?,
            delete_branch_on_merge: f.switch("deleteBranchOnMerge", false)?,
            has: (has(f.get("hasIssues")), has(f.get("hasProjects")), has(f.get("hasWiki"))),
            unknown: f.unknown(),
            repository,
        })
    }
}

fn access(f: &mut Fields<'_>, repository: &RepositoryName) -> Result<Vec<Access>, InputError> {
    let mut all = Vec::new();
    if let Some(text) = f.text("access")? {
        // `owner/team` is a team of the owner, a bare name is a person (Backstage, publish:github).
        all.push(match text.split_once('/') {
            Some((owner, team)) if owner.eq_ignore_ascii_case(&repository.owner) => {
                Access { team: true, name: bare(team), permission: "admin".to_owned() }
            }
            Some((owner, _)) => {
                return Err(InputError(format!(
                    "“access” names a team of {owner}, and the repository belongs to {}",
                    repository.owner
                )));
            }
            None => Access { team: false, name: text, permission: "admin".to_owned() },
        });
    }
    for item in f.get("collaborators").and_then(Value::as_array).into_iter().flatten() {
        let get = |key: &str| item.get(key).and_then(Value::as_str);
        let permission = get("access").unwrap_or("push").to_owned();
        match (get("team"), get("user").or_else(|| get("username"))) {
            (Some(team), _) => all.push(Access { team: true, name: bare(team), permission }),
            (None, Some(user)) => all.push(Access { team: false, name: bare(user), permission }),
            (None, None) => return Err(InputError("a collaborator has neither “team” nor “user”".to_owned())),
        }
    }
    Ok(all)
}

/// The name part of an entity reference, or the name as it is.
fn bare(name: &str) -> String {
    name.rsplit([':', '/']).next().unwrap_or(name).to_owned()
}

fn protection(f: &mut Fields<'_>) -> Result<Option<Protection>, InputError> {
    let wanted = f.switch("protectDefaultBranch", true)?;
    let rules = Protection {
        approvals: f.number("requiredApprovingReviewCount", 1, 6)?,
        code_owners: f.switch("requireCodeOwnerReviews", false)?,
        dismiss_stale: f.switch("dismissStaleReviews", false)?,
        enforce_admins: f.switch("protectEnforceAdmins", true)?,
        checks: f.texts("requiredStatusCheckContexts")?,
        up_to_date: f.switch("requireBranchesToBeUpToDate", true)?,
        conversation_resolution: f.switch("requiredConversationResolution", false)?,
        linear_history: f.switch("requiredLinearHistory", false)?,
    };
    Ok(wanted.then_some(rules))
}

/// `catalog:register`
#[derive(Debug, Clone)]
pub struct Register {
    /// The address of the descriptor.
    pub address: String,
    /// Whether its absence is no failure.
    pub optional: bool,
    /// Fields that nothing reads.
    pub unknown: Vec<String>,
}

impl Register {
    /// From rendered JSON.
    ///
    /// # Errors
    /// See [`InputError`].
    pub fn read(input: &Value) -> Result<Self, InputError> {
        let mut f = Fields::of(input)?;
        let address = match (f.text("catalogInfoUrl")?, f.text("repoContentsUrl")?) {
            (Some(address), _) => address,
            (None, Some(contents)) => {
                let path = f.text("catalogInfoPath")?.unwrap_or_else(|| "/catalog-info.yaml".to_owned());
                format!("{}/{}", contents.trim_end_matches('/'), path.trim_start_matches('/'))
            }
            (None, None) => {
                return Err(InputError("neither “catalogInfoUrl” nor “repoContentsUrl” is given".to_owned()));
            }
        };
        let _path = f.get("catalogInfoPath");
        Ok(Self { address, optional: f.switch("optional", false)?, unknown: f.unknown() })
    }
}
