//! What a template would make: the same rendering as the run's, with outside effects written down
//! instead of made. What cannot be known before is left out, never invented.

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::error::ScaffolderError;
use super::fetch;
use super::model::expression::Engine;
use super::model::input::{FetchPlain, FetchTemplate, InputError, Publish, Register};
use super::model::render;
use super::model::template::{Step, Template};
use crate::engine::app::App;
use crate::features::catalog::model::yaml;
use crate::kernel::canonical;
use crate::kernel::entity_ref::EntityRef;
use crate::kernel::tree::{Tree, TreePath};

/// What a template would make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// All files, as they would be published.
    pub files: Tree,
    /// The plan as it is stored and shown, without contents.
    pub document: Value,
    /// Its canonical hash: what an approval and the run are bound to.
    pub hash: String,
    /// What would be done outside, one line each.
    pub calls: Vec<String>,
    /// What people should know.
    pub warnings: Vec<String>,
    /// What is in the way, if anything.
    pub blocker: Option<String>,
    /// The entity that would come into the catalog.
    pub entity_ref: Option<String>,
    /// Slug of the team that would own it.
    pub owner_team: Option<String>,
    /// What is made, for the title: a repository's or an entity's name.
    pub name: Option<String>,
}

/// Who creates, as templates see it.
#[derive(Debug, Clone)]
pub struct Person {
    /// `user:default/mara`
    pub reference: String,
    /// Their entity, or what is known of them.
    pub entity: Value,
}

/// The context of expressions.
pub fn context(answers: &Value, outputs: &Map<String, Value>, person: &Person, run: &str) -> Value {
    let steps: Map<String, Value> =
        outputs.iter().map(|(id, output)| (id.clone(), json!({ "output": output }))).collect();
    json!({
        "parameters": answers,
        "steps": steps,
        "user": { "ref": person.reference, "entity": person.entity },
        "context": { "task": { "id": run } },
    })
}

/// A step's input, rendered. Expressions that do not evaluate pass through as text and are told.
pub fn input(step: &Step, context: &Value, warnings: &mut Vec<String>) -> Value {
    let engine = Engine::default();
    let mut warn = |place: String, error: &super::model::expression::ExpressionError| {
        warnings.push(format!(
            "Step “{}” holds an expression that does not work ({error}) and passes through as text: {place}",
            step.name
        ));
    };
    engine.value(&step.input, context, &mut warn).unwrap_or_else(|| Value::Object(Map::new()))
}

/// Whether a step runs.
pub fn runs(step: &Step, context: &Value) -> bool {
    Engine::default().condition(step.condition.as_ref(), context)
}

/// Makes the plan.
///
/// # Errors
/// A step cannot be planned, or the template's files cannot be read.
pub async fn make(
    app: &App,
    template: &Template,
    answers: &Value,
    secrets: &Map<String, Value>,
    person: &Person,
) -> Result<Plan, ScaffolderError> {
    if !template.problems.is_empty() {
        return Err(ScaffolderError::Unusable(template.problems.clone()));
    }
    let mut planner = Planner {
        app,
        template,
        files: Tree::new(),
        outputs: Map::new(),
        calls: Vec::new(),
        warnings: Vec::new(),
        blocker: None,
        published: None,
        name: None,
    };
    let mut done = Vec::new();
    for step in &template.steps {
        let mut context = context(answers, &planner.outputs, person, "plan");
        if !runs(step, &context) {
            done.push(json!({ "id": step.id, "name": step.name, "action": step.action, "skipped": true }));
            continue;
        }
        context["secrets"] = Value::Object(secrets.clone());
        let input = input(step, &context, &mut planner.warnings);
        planner.step(step, &input).await?;
        done.push(json!({ "id": step.id, "name": step.name, "action": step.action }));
    }
    Ok(planner.finish(answers, done))
}

struct Planner<'a> {
    app: &'a App,
    template: &'a Template,
    files: Tree,
    outputs: Map<String, Value>,
    calls: Vec<String>,
    warnings: Vec<String>,
    blocker: Option<String>,
    published: Option<Tree>,
    name: Option<String>,
}

impl Planner<'_> {
    async fn step(&mut self, step: &Step, input: &Value) -> Result<(), ScaffolderError> {
        let failed = |why: String| ScaffolderError::Step { step: step.name.clone(), why };
        let wrong = |e: InputError| failed(e.to_string());
        let output = match step.action.as_str() {
            "fetch:template" => {
                let wanted = FetchTemplate::read(input).map_err(wrong)?;
                self.unknown(step, &wanted.unknown);
                let skeleton = fetch::folder(self.app, &self.template.location, &wanted.url).await?;
                render::fetch_template(&skeleton, &wanted, &mut self.files).map_err(|e| failed(e.to_string()))?;
                json!({})
            }
            "fetch:plain" => {
                let wanted = FetchPlain::read(input).map_err(wrong)?;
                self.unknown(step, &wanted.unknown);
                let tree = fetch::folder(self.app, &self.template.location, &wanted.url).await?;
                render::fetch_plain(&tree, &wanted.target_path, &mut self.files).map_err(|e| failed(e.to_string()))?;
                json!({})
            }
            "publish:github" => {
                let wanted = Publish::read(input).map_err(wrong)?;
                self.unknown(step, &wanted.unknown);
                self.publish(&wanted, &failed).await?
            }
            "catalog:register" => {
                let wanted = Register::read(input).map_err(wrong)?;
                self.unknown(step, &wanted.unknown);
                self.calls.push(format!("Register {} in the catalog", wanted.address));
                let mut output = json!({ "catalogInfoUrl": wanted.address });
                match described(self.published.as_ref().unwrap_or(&self.files)) {
                    Ok(Some(entity)) => output["entityRef"] = Value::String(entity.reference.canonical()),
                    Ok(None) => self.warnings.push("The files hold no catalog-info.yaml with an entity.".to_owned()),
                    Err(why) => self.warnings.push(format!("catalog-info.yaml as rendered would not be taken: {why}")),
                }
                output
            }
            _ => json!({}),
        };
        self.outputs.insert(step.id.clone(), output);
        Ok(())
    }

    fn unknown(&mut self, step: &Step, fields: &[String]) {
        for field in fields {
            self.warnings.push(format!("Step “{}” gives “{field}”, which {} does not read.", step.name, step.action));
        }
    }

    async fn publish(
        &mut self,
        wanted: &Publish,
        failed: &(dyn Fn(String) -> ScaffolderError + Sync),
    ) -> Result<Value, ScaffolderError> {
        let name = &wanted.repository;
        let located = self.app.code_hosts.locate(name);
        let (host, there) = located.ok_or_else(|| failed(format!("the portal has no code host {}", name.host)))?;
        let files = self.files.under(&wanted.source_path).map_err(|e| failed(e.to_string()))?;
        if files.is_empty() {
            return Err(failed("there are no files to publish".to_owned()));
        }
        if host.find(&there).await?.is_some() {
            self.blocker = Some(format!("The repository {name} exists already. Choose another name."));
        }
        let who = if host.host() == name.host {
            name.host.clone()
        } else {
            "the local code host, in place of GitHub".to_owned()
        };
        self.calls.push(format!("Create the {} repository {name} on {who}", visibility(wanted)));
        self.calls.push(format!("Commit {} files to {}: {}", files.len(), wanted.branch, wanted.message));
        if !wanted.topics.is_empty() {
            self.calls.push(format!("Set the topics {}", wanted.topics.join(", ")));
        }
        for access in &wanted.access {
            let what = if access.team { "team" } else { "person" };
            self.calls.push(format!("Give the {what} {} the right {}", access.name, access.permission));
        }
        if wanted.protection.is_some() {
            self.calls.push(format!("Protect the branch {}", wanted.branch));
        }
        let web = web_url(self.app, wanted);
        self.name = Some(name.to_string());
        self.published = Some(files);
        // The commit's id is not known before, so it is not among the outputs.
        Ok(json!({ "remoteUrl": format!("{web}.git"), "repoContentsUrl": format!("{web}/blob/{}", wanted.branch) }))
    }

    fn finish(self, answers: &Value, steps: Vec<Value>) -> Plan {
        let files = self.published.unwrap_or(self.files);
        let listed = listing(&files);
        let entity = described(&files).ok().flatten();
        let document = json!({
            "template": self.template.reference.canonical(),
            "template_etag": self.template.etag,
            "answers_hash": canonical::hash(answers),
            "files": listed,
            "calls": self.calls,
            "steps": steps,
        });
        Plan {
            hash: canonical::hash(&document),
            document,
            calls: self.calls,
            warnings: self.warnings,
            blocker: self.blocker,
            owner_team: entity.as_ref().and_then(|e| e.owner_team.clone()),
            name: self.name.or_else(|| entity.as_ref().map(|e| e.reference.name.clone())),
            entity_ref: entity.map(|e| e.reference.canonical()),
            files,
        }
    }
}

/// Files as a plan lists them: path, mode, size and hash. Two trees with one listing are one tree.
pub fn listing(files: &Tree) -> Value {
    files
        .iter()
        .map(|(path, file)| json!({ "path": path.as_str(), "mode": file.mode.git(), "size": file.content.len(), "sha256": hex::encode(Sha256::digest(&file.content)) }))
        .collect()
}

fn visibility(wanted: &Publish) -> &'static str {
    match wanted.visibility {
        crate::ports::code_host::Visibility::Private => "private",
        crate::ports::code_host::Visibility::Internal => "internal",
        crate::ports::code_host::Visibility::Public => "public",
    }
}

/// Where people will see the repository.
pub fn web_url(app: &App, wanted: &Publish) -> String {
    let name = &wanted.repository;
    match &app.code_hosts.github {
        Some(github) if github.host() == name.host => {
            format!("{}/{}/{}", app.config.github.url.as_str().trim_end_matches('/'), name.owner, name.name)
        }
        _ => format!("{}git/{}/{}", app.config.http.base_url, name.owner, name.name),
    }
}

/// The entity that a catalog-info.yaml describes: the first component, else the first of all.
struct Described {
    reference: EntityRef,
    owner_team: Option<String>,
}

fn described(files: &Tree) -> Result<Option<Described>, String> {
    let Some(file) = TreePath::new("catalog-info.yaml").ok().and_then(|p| files.get(&p)) else { return Ok(None) };
    let reading = yaml::read_stream(&file.content, &yaml::Limits::default());
    if let Some(problem) = reading.problems().next() {
        return Err(problem.to_string());
    }
    let all: Vec<&Value> = reading.documents().map(|d| &d.value).filter(|v| v["kind"].is_string()).collect();
    if let Some(problem) = all.iter().flat_map(|v| crate::features::catalog::model::problems(v)).next() {
        return Err(problem.sentence);
    }
    let Some(entity) = all.iter().find(|v| v["kind"] == "Component").or(all.first()) else { return Ok(None) };
    let reference = crate::features::catalog::model::check::reference_of(entity);
    let owner =
        entity["spec"]["owner"].as_str().and_then(|o| EntityRef::parse(o, Some("group"), &reference.namespace).ok());
    let owner_team = owner.filter(|o| o.kind.eq_ignore_ascii_case("group")).map(|o| o.name.to_lowercase());
    Ok(Some(Described { reference, owner_team }))
}
