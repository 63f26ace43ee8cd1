//! A template as the catalog keeps it, read into what the scaffolder works with.

use serde_json::{Map, Value};

use super::form::Page;
use crate::kernel::entity_ref::EntityRef;

/// The actions that this portal has, with what each does outside.
pub const ACTIONS: &[(&str, &str)] = &[
    ("fetch:template", "Renders files into the workspace"),
    ("fetch:plain", "Copies files into the workspace"),
    ("publish:github", "Makes a repository and its first commit"),
    ("catalog:register", "Registers the new entity in the catalog"),
    ("debug:log", "Writes to the log"),
];

/// The most steps of a template.
pub const MOST_STEPS: usize = 100;

/// A template.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its name in the catalog.
    pub reference: EntityRef,
    /// For people.
    pub title: String,
    /// One or a few sentences.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it makes: `spec.type`.
    pub makes: String,
    /// Canonical reference of its owner.
    pub owner: Option<String>,
    /// The pages of its form.
    pub pages: Vec<Page>,
    /// Its parameters as written, for the API.
    pub parameters: Value,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// What it leaves.
    pub output: Value,
    /// Where it was read from: what `./skeleton` is relative to.
    pub location: String,
    /// Changes with any change.
    pub etag: String,
    /// Why it cannot be used, if it cannot.
    pub problems: Vec<String>,
}

/// A step.
#[derive(Debug, Clone)]
pub struct Step {
    /// Name within the template.
    pub id: String,
    /// For people.
    pub name: String,
    /// What is done.
    pub action: String,
    /// With what.
    pub input: Value,
    /// Whether it runs.
    pub condition: Option<Value>,
}

impl Template {
    /// Reads the body of a Template entity. What cannot be used is listed in `problems`.
    pub fn read(body: &Value, etag: &str) -> Self {
        let (metadata, spec) = (&body["metadata"], &body["spec"]);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let reference = EntityRef::new("template", namespace, text(&metadata["name"]));
        let owner = spec["owner"].as_str().and_then(|o| EntityRef::parse(o, Some("group"), namespace).ok());
        let mut problems = Vec::new();
        let steps = steps(&spec["steps"], &mut problems);
        let location = text(&metadata["annotations"]["backstage.io/managed-by-location"]);
        Self {
            title: metadata["title"].as_str().map_or_else(|| reference.name.clone(), str::to_owned),
            reference,
            description: text(&metadata["description"]),
            tags: metadata["tags"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            makes: text(&spec["type"]),
            owner: owner.map(|o| o.canonical()),
            pages: Page::from_parameters(&spec["parameters"]),
            parameters: spec["parameters"].clone(),
            steps,
            output: spec["output"].clone(),
            location: location
                .strip_prefix("url:")
                .or_else(|| location.strip_prefix("file:"))
                .unwrap_or(&location)
                .to_owned(),
            etag: etag.to_owned(),
            problems,
        }
    }

    /// The pages that a person meets, by number in the template.
    pub fn shown_pages(&self, answers: &Value, when: super::form::When<'_>) -> Vec<usize> {
        (0..self.pages.len()).filter(|i| self.pages[*i].is_shown(answers, &[], when)).collect()
    }

    /// What it makes, as words for its card.
    pub fn facts(&self) -> Vec<&'static str> {
        let has = |action: &str| self.steps.iter().any(|s| s.action == action);
        let mut facts = Vec::new();
        if has("publish:github") {
            facts.push("Repository");
        }
        if has("catalog:register") {
            facts.push("Catalog entry");
        }
        facts
    }
}

fn steps(written: &Value, problems: &mut Vec<String>) -> Vec<Step> {
    let empty = Vec::new();
    let all = written.as_array().unwrap_or(&empty);
    if all.len() > MOST_STEPS {
        problems.push(format!("It has {} steps; the portal takes up to {MOST_STEPS}.", all.len()));
    }
    let mut steps: Vec<Step> = Vec::new();
    for (at, step) in all.iter().take(MOST_STEPS).enumerate() {
        let action = step["action"].as_str().unwrap_or_default().to_owned();
        let id = step["id"].as_str().map_or_else(|| format!("step-{}", at + 1), str::to_owned);
        if !ACTIONS.iter().any(|(name, _)| *name == action) {
            problems.push(format!(
                "Step {id} uses the action “{action}”, which this portal does not have{}.",
                nearest(&action)
            ));
        }
        if step.get("each").is_some() {
            problems.push(format!("Step {id} uses “each”, which this portal does not do yet."));
        }
        if steps.iter().any(|s| s.id == id) {
            problems.push(format!("Two steps are called {id}."));
        }
        steps.push(Step {
            name: step["name"].as_str().map_or_else(|| action.clone(), str::to_owned),
            input: step.get("input").cloned().unwrap_or_else(|| Value::Object(Map::new())),
            condition: step.get("if").cloned(),
            id,
            action,
        });
    }
    steps
}

/// "; did you mean …" for the known name that is nearest, if one is near.
fn nearest(action: &str) -> String {
    let distance = |a: &str, b: &str| {
        let b: Vec<char> = b.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, ca) in a.chars().enumerate() {
            let mut before = row[0];
            row[0] = i + 1;
            for (j, cb) in b.iter().enumerate() {
                let cost = before + usize::from(ca != *cb);
                before = row[j + 1];
                row[j + 1] = cost.min(before + 1).min(row[j] + 1);
            }
        }
        row[b.len()]
    };
    let best = ACTIONS.iter().map(|(name, _)| (distance(action, name), *name)).min();
    best.filter(|(d, _)| *d <= 4).map(|(_, name)| format!("; did you mean {name}?")).unwrap_or_default()
}
