//! The address of a repository as one answer: `host?owner=o&repo=r`, and its parts as questions.

use serde_json::Value;
use url::form_urlencoded::{Serializer, parse};

use super::pick::Context;
use super::ui::ui_texts;

/// One part of the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its key in the address and in the names of controls.
    pub key: &'static str,
    pub label: &'static str,
    /// What is allowed; empty when anything is.
    pub allowed: Vec<String>,
    pub required: bool,
}

/// An address taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Address {
    pub host: String,
    pub parts: Vec<(String, String)>,
}

/// The parts in the order in which upstream writes them.
const ORDER: [&str; 5] = ["owner", "repo", "organization", "workspace", "project"];

impl Address {
    /// Takes `host?owner=o&repo=r` apart.
    pub(super) fn read(text: &str) -> Self {
        let (host, query) = text.split_once('?').unwrap_or((text, ""));
        let parts = parse(query.as_bytes()).map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        Self { host: host.to_owned(), parts }
    }

    pub(super) fn part(&self, key: &str) -> &str {
        self.parts.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str())
    }

    pub(super) fn set(&mut self, key: &str, value: &str) {
        self.parts.retain(|(name, _)| name != key);
        if !value.is_empty() {
            self.parts.push((key.to_owned(), value.to_owned()));
        }
    }

    /// Puts the address together. Empty parts are left out.
    pub(super) fn write(&self) -> String {
        let mut query = Serializer::new(String::new());
        for key in ORDER {
            let value = self.part(key);
            if !value.is_empty() {
                query.append_pair(key, value);
            }
        }
        format!("{}?{}", self.host, query.finish())
    }

    /// The address as people write it: `github.com/owner/repo`.
    pub(super) fn spoken(&self) -> String {
        let parts = ["organization", "workspace", "owner", "project", "repo"].map(|key| self.part(key));
        std::iter::once(self.host.as_str()).chain(parts).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }
}

/// The hosts to choose from: those the template allows, else those the portal is connected to.
pub(super) fn hosts(schema: &Value, context: &Context) -> Vec<String> {
    let allowed = ui_texts(schema, "allowedHosts");
    if allowed.is_empty() { context.hosts.clone() } else { allowed }
}

/// What a repository on this host is named by.
pub(super) fn parts(schema: &Value, host: &str) -> Vec<Part> {
    let part = |key, label, option: &str, required| Part { key, label, allowed: ui_texts(schema, option), required };
    let organization = part("organization", "Organization", "allowedOrganizations", true);
    let project = |required| part("project", "Project", "allowedProjects", required);
    let repo = part("repo", "Repository name", "allowedRepos", true);
    let owner = |label, required| part("owner", label, "allowedOwners", required);
    match () {
        () if host.contains("azure") || host.contains("visualstudio") => vec![organization, project(true), repo],
        () if host == "bitbucket.org" => {
            vec![part("workspace", "Workspace", "allowedOwners", true), project(true), repo]
        }
        () if host.contains("bitbucket") => vec![project(true), repo],
        () if host.contains("gerrit") => vec![owner("Parent project", false), repo],
        () if host.contains("gitlab") => vec![owner("Group", true), repo],
        () => vec![owner("Owner", true), repo],
    }
}
