//! The run: first the plan is made again and compared, then one step per step of the template, then
//! what the template leaves. Everything outside goes through effects.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::model::expression::Engine;
use super::model::input::{FetchPlain, FetchTemplate, InputError, Publish, Register};
use super::model::render;
use super::model::template::{Step, Template};
use super::outside::{COMMIT, REPOSITORY, Registration, SETTING, SOURCE};
use super::plan::{self, Person};
use super::{actions, fetch, store};
use crate::engine::runs::context::Effect;
use crate::engine::runs::store::StepRow;
use crate::engine::runs::{Outcome, RunKind, StepContext, StepFault};
use crate::engine::web::{markdown, words};
use crate::features::catalog::actions as catalog;
use crate::features::catalog::places::Target;
use crate::features::catalog::store as catalog_store;
use crate::kernel::tree::Tree;
use crate::ports::PortError;
use crate::ports::code_host::{CodeHost, Configured, NewCommit, NewRepository, Repository, Setting};

/// The name of the kind, of requests and of runs.
pub const KIND: &str = "scaffolder.create";
/// The step that makes the plan again.
pub const CHECK: &str = "check";
/// The step that renders what the template leaves.
pub const OUTPUT: &str = "output";

/// What a run works on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Input {
    /// Canonical reference of the template.
    pub template: String,
    /// The answers, secrets left out.
    pub answers: Value,
    /// The plan that was seen and allowed.
    pub plan_hash: String,
    /// The files of that plan.
    pub files: Value,
    /// Login of whoever asked.
    pub login: String,
}

/// Creates from a template.
#[derive(Debug)]
pub struct Create;

#[async_trait]
impl RunKind for Create {
    fn name(&self) -> &'static str {
        KIND
    }

    async fn step(&self, context: &StepContext, row: &StepRow) -> Result<Outcome, StepFault> {
        let input: Input = serde_json::from_value(context.run.input.clone())
            .map_err(|e| StepFault::Failed(format!("What this run was asked for cannot be read: {e}.")))?;
        let template = template(context, &input).await?;
        let work = Work { context, input, template, secrets: context.secrets()? };
        match row.key.as_str() {
            CHECK => work.check().await,
            OUTPUT => work.output().await,
            key => work.template_step(key.strip_prefix("step:").unwrap_or(key)).await,
        }
    }
}

async fn template(context: &StepContext, input: &Input) -> Result<Template, StepFault> {
    let mut conn = context.app.db.acquire().await?;
    let row = catalog_store::entity(&mut conn, &input.template, None).await?;
    let row =
        row.ok_or_else(|| StepFault::Failed(format!("The template {} is no longer in the catalog.", input.template)))?;
    Ok(Template::read(&row.body, &row.etag))
}

struct Work<'a> {
    context: &'a StepContext,
    input: Input,
    template: Template,
    secrets: Map<String, Value>,
}

impl Work<'_> {
    async fn person(&self) -> Result<Person, StepFault> {
        let mut conn = self.context.app.db.acquire().await?;
        Ok(actions::person(&mut conn, &self.input.login).await?)
    }

    /// The plan that was seen is the plan of now, or nothing is made.
    async fn check(&self) -> Result<Outcome, StepFault> {
        let person = self.person().await?;
        let plan = plan::make(&self.context.app, &self.template, &self.input.answers, &self.secrets, &person).await;
        let plan = plan.map_err(|e| match e {
            super::error::ScaffolderError::Port(e) => StepFault::from(e),
            super::error::ScaffolderError::Database(e) => StepFault::from(e),
            other => StepFault::Failed(format!(
                "{}. {}",
                crate::kernel::fault::Explain::title(&other),
                crate::kernel::fault::Explain::detail(&other)
            )),
        })?;
        if let Some(blocker) = plan.blocker {
            return Err(StepFault::Failed(format!("{blocker} Nothing was made.")));
        }
        if plan.hash != self.input.plan_hash {
            return Err(StepFault::Failed(
                "The template has changed since you saw its plan. Nothing was made; open the template and look at the new plan.".to_owned(),
            ));
        }
        for warning in &plan.warnings {
            self.context.warn(warning).await?;
        }
        let detail = words::count(plan.files.len(), "file", "files");
        self.context.log(format!("the plan is as it was seen: {detail}, {} calls", plan.calls.len())).await?;
        Ok(Outcome::Done { output: json!({}), detail })
    }

    async fn template_step(&self, id: &str) -> Result<Outcome, StepFault> {
        let step = self.template.steps.iter().find(|s| s.id == id).cloned();
        let step = step.ok_or_else(|| StepFault::Failed(format!("The template no longer has the step {id}.")))?;
        let person = self.person().await?;
        let run = self.context.run.id.to_string();
        let mut context = plan::context(&self.input.answers, &self.outputs(), &person, &run);
        if !plan::runs(&step, &context) {
            return Ok(Outcome::Skipped("its condition is not met".to_owned()));
        }
        context["secrets"] = Value::Object(self.secrets.clone());
        let mut warnings = Vec::new();
        let input = plan::input(&step, &context, &mut warnings);
        for warning in warnings {
            self.context.warn(warning).await?;
        }
        self.act(&step, &input).await
    }

    /// Outputs of the template's earlier steps, by their own ids.
    fn outputs(&self) -> Map<String, Value> {
        self.context
            .outputs
            .iter()
            .filter_map(|(k, v)| Some((k.strip_prefix("step:")?.to_owned(), v.clone())))
            .collect()
    }

    async fn act(&self, step: &Step, input: &Value) -> Result<Outcome, StepFault> {
        match step.action.as_str() {
            "fetch:template" => {
                let wanted = FetchTemplate::read(input).map_err(wrong)?;
                let skeleton = fetch::folder(&self.context.app, &self.template.location, &wanted.url).await?;
                let mut workspace = self.workspace().await?;
                let made = render::fetch_template(&skeleton, &wanted, &mut workspace)
                    .map_err(|e| StepFault::Failed(format!("{e}.")))?;
                self.keep(&workspace, made).await
            }
            "fetch:plain" => {
                let wanted = FetchPlain::read(input).map_err(wrong)?;
                let tree = fetch::folder(&self.context.app, &self.template.location, &wanted.url).await?;
                let mut workspace = self.workspace().await?;
                let made = render::fetch_plain(&tree, &wanted.target_path, &mut workspace)
                    .map_err(|e| StepFault::Failed(format!("{e}.")))?;
                self.keep(&workspace, made).await
            }
            "debug:log" => {
                let message = input["message"].as_str().map_or_else(|| input["message"].to_string(), str::to_owned);
                self.context.log(message).await?;
                Ok(Outcome::Done { output: json!({}), detail: String::new() })
            }
            "publish:github" => self.publish(step, &Publish::read(input).map_err(wrong)?).await,
            "catalog:register" => self.register(step, &Register::read(input).map_err(wrong)?).await,
            other => Err(StepFault::Failed(format!("This portal does not have the action “{other}”."))),
        }
    }

    async fn workspace(&self) -> Result<Tree, StepFault> {
        let mut conn = self.context.app.db.acquire().await?;
        let Some(archive) = store::workspace(&mut conn, self.context.run.id).await? else { return Ok(Tree::new()) };
        Tree::from_tar(archive.as_slice(), 0)
            .map_err(|e| StepFault::Failed(format!("The workspace cannot be read: {e}.")))
    }

    async fn keep(&self, workspace: &Tree, made: usize) -> Result<Outcome, StepFault> {
        let archive = workspace.to_tar().map_err(|e| StepFault::Failed(format!("{e}.")))?;
        let mut tx = self.context.held().await?;
        store::put_workspace(&mut tx, self.context.run.id, &archive).await?;
        tx.commit().await?;
        let lines: usize = workspace.iter().filter_map(|(_, f)| f.text()).map(|t| t.lines().count()).sum();
        let detail = format!("{}, {}", words::count(made, "file", "files"), words::count(lines, "line", "lines"));
        self.context.log(format!("rendered {detail}")).await?;
        Ok(Outcome::Done { output: json!({}), detail })
    }

    async fn publish(&self, step: &Step, wanted: &Publish) -> Result<Outcome, StepFault> {
        let app = &self.context.app;
        let located = app.code_hosts.locate(&wanted.repository);
        let (host, name) = located
            .ok_or_else(|| StepFault::Failed(format!("The portal has no code host {}.", wanted.repository.host)))?;
        // From here on the repository goes by the name that its host knows.
        let wanted = &Publish { repository: name.clone(), ..wanted.clone() };
        let files =
            self.workspace().await?.under(&wanted.source_path).map_err(|e| StepFault::Failed(format!("{e}.")))?;
        if plan::listing(&files) != self.input.files {
            return Err(StepFault::Failed("The files are not those of the plan that you saw: the template has changed meanwhile. Nothing was published.".to_owned()));
        }
        let repository = self.create(step, wanted, host.as_ref()).await?;
        self.context.check_cancelled().await?;
        let commit = self.commit(step, wanted, host.as_ref(), files).await?;
        self.context.check_cancelled().await?;
        self.settings(step, wanted, host.as_ref()).await?;
        let web = &repository.web_url;
        let output = json!({
            "remoteUrl": repository.clone_url,
            "repoContentsUrl": format!("{web}/blob/{}", wanted.branch),
            "commitHash": commit,
        });
        Ok(Outcome::Done {
            output,
            detail: format!("{name}, first commit {}", commit.chars().take(7).collect::<String>()),
        })
    }

    async fn create(&self, step: &Step, wanted: &Publish, host: &dyn CodeHost) -> Result<Repository, StepFault> {
        let name = &wanted.repository;
        let new = NewRepository {
            name: name.clone(),
            description: wanted.description.clone(),
            visibility: wanted.visibility,
            mark: self.context.run_url(),
            has_issues: wanted.has.0,
            has_projects: wanted.has.1,
            has_wiki: wanted.has.2,
            allow_merge_commit: wanted.merge_commit,
            allow_squash_merge: wanted.squash_merge,
            allow_rebase_merge: wanted.rebase_merge,
            delete_branch_on_merge: wanted.delete_branch_on_merge,
        };
        self.context.log(format!("creating {name}, homepage set to this run")).await?;
        let effect = Effect {
            key: format!("{}:repository", step.id),
            kind: REPOSITORY,
            name: format!("Repository {name}"),
            intent: serde_json::to_value(&new).unwrap_or(Value::Null),
        };
        let made = self
            .context
            .effect(effect, async || match host.create(&new).await {
                Ok(repository) => Ok(json!(repository)),
                // A host may have made it and shown it late: ours is known by its mark.
                Err(e @ PortError::Conflict { .. }) => match host.find(name).await? {
                    Some(found) if found.homepage == new.mark => Ok(json!(found)),
                    Some(_) => Err(PortError::Conflict {
                        system: e_system(&e),
                        what: format!("the repository {name} exists already; choose another name"),
                    }),
                    None => Err(e),
                },
                Err(e) => Err(e),
            })
            .await?;
        self.context.log(format!("made: {name}")).await?;
        serde_json::from_value(made)
            .map_err(|e| StepFault::Failed(format!("What the code host answered cannot be read: {e}.")))
    }

    async fn commit(
        &self,
        step: &Step,
        wanted: &Publish,
        host: &dyn CodeHost,
        files: Tree,
    ) -> Result<String, StepFault> {
        let name = &wanted.repository;
        let count = files.len();
        let commit = NewCommit {
            branch: wanted.branch.clone(),
            parent: None,
            message: wanted.message.clone(),
            author: wanted.author.clone(),
            files,
        };
        let effect = Effect {
            key: format!("{}:commit", step.id),
            kind: COMMIT,
            name: format!("First commit of {name}"),
            intent: json!({ "repository": name, "branch": wanted.branch, "message": wanted.message, "files": count }),
        };
        let made = self
            .context
            .effect(effect, async || host.commit(name, &commit).await.map(|id| json!({ "commit": id })))
            .await?;
        let id = made["commit"].as_str().unwrap_or_default().to_owned();
        self.context
            .log(format!(
                "pushed {} with {} to {}",
                id.chars().take(7).collect::<String>(),
                words::count(count, "file", "files"),
                wanted.branch
            ))
            .await?;
        Ok(id)
    }

    async fn settings(&self, step: &Step, wanted: &Publish, host: &dyn CodeHost) -> Result<(), StepFault> {
        let mut settings: Vec<(&str, Setting)> = Vec::new();
        if !wanted.topics.is_empty() {
            settings.push(("topics", Setting::Topics(wanted.topics.clone())));
        }
        let access: Vec<(String, Setting)> = wanted
            .access
            .iter()
            .map(|a| {
                let (name, permission) = (a.name.clone(), a.permission.clone());
                let setting = if a.team {
                    Setting::TeamAccess { team: name.clone(), permission }
                } else {
                    Setting::UserAccess { login: name.clone(), permission }
                };
                (format!("access {name}"), setting)
            })
            .collect();
        settings.extend(access.iter().map(|(n, s)| (n.as_str(), s.clone())));
        if let Some(rules) = &wanted.protection {
            settings.push(("protection", Setting::Protection { branch: wanted.branch.clone(), rules: rules.clone() }));
        }
        // Last of all: with this our mark goes, and from here on the repository is known by its id.
        settings.push((
            "about",
            Setting::About { description: wanted.description.clone(), homepage: wanted.homepage.clone() },
        ));
        for (what, setting) in settings {
            self.set(step, wanted, host, what, &setting).await?;
        }
        Ok(())
    }

    async fn set(
        &self,
        step: &Step,
        wanted: &Publish,
        host: &dyn CodeHost,
        what: &str,
        setting: &Setting,
    ) -> Result<(), StepFault> {
        let name = &wanted.repository;
        let effect = Effect {
            key: format!("{}:{what}", step.id),
            kind: SETTING,
            name: format!("{} of {name}", words::team(what)),
            intent: json!({ "repository": name, "setting": setting }),
        };
        let set = self
            .context
            .effect(effect, async || {
                Ok(match host.configure(name, setting).await {
                    Ok(Configured::Done) => json!({}),
                    Ok(Configured::NotOffered(why)) => json!({ "warning": why }),
                    // Access and protection that are refused leave a usable repository: a warning, as in Backstage.
                    Err(e) if !e.is_transient() && !matches!(e, PortError::Unauthorized { .. }) => {
                        json!({ "warning": e.to_string() })
                    }
                    Err(e) => return Err(e),
                })
            })
            .await?;
        match set["warning"].as_str() {
            Some(why) => self.context.warn(format!("{what} was not set: {why}")).await,
            None => self.context.log(format!("{what}: set")).await,
        }
    }

    async fn register(&self, step: &Step, wanted: &Register) -> Result<Outcome, StepFault> {
        let app = &self.context.app;
        let target = Target::of_address(app, &wanted.address)
            .ok_or_else(|| StepFault::Failed(format!("“{}” is no address of a descriptor.", wanted.address)))?;
        let by = format!("run:{}", self.context.run.id);
        let effect = Effect {
            key: format!("{}:source", step.id),
            kind: SOURCE,
            name: format!("Catalog source {}", wanted.address),
            intent: json!(Registration { address: wanted.address.clone(), by: by.clone() }),
        };
        let made = self
            .context
            .effect(effect, async || {
                let unavailable = |e: String| PortError::Unavailable { system: "The catalog".to_owned(), why: e };
                let mut tx = app.db.begin().await.map_err(|e| unavailable(e.to_string()))?;
                let (id, new) =
                    catalog::register_for_run(&mut tx, &target, &by).await.map_err(|e| unavailable(e.to_string()))?;
                tx.commit().await.map_err(|e| unavailable(e.to_string()))?;
                Ok(json!({ "source": id, "new": new }))
            })
            .await?;
        let source = made["source"].as_str().and_then(|s| s.parse().ok()).unwrap_or_default();
        if let Err(e) = catalog::read_source(app, source).await {
            return match e {
                // A host may show a new file a moment late.
                crate::features::catalog::error::CatalogError::Port(PortError::NotFound { what, .. })
                    if !wanted.optional =>
                {
                    Err(StepFault::Later(format!("{what} is not to be seen yet"), None))
                }
                _ if wanted.optional => Ok(Outcome::Skipped("there is no descriptor".to_owned())),
                crate::features::catalog::error::CatalogError::Port(e) => Err(e.into()),
                other => Err(StepFault::Failed(format!("{}.", crate::kernel::fault::Explain::detail(&other)))),
            };
        }
        let mut conn = app.db.acquire().await?;
        let refs = catalog_store::refs_of_source(&mut conn, source).await?;
        let problems = catalog_store::problems_of_source(&mut conn, source).await?;
        drop(conn);
        for problem in &problems {
            self.context
                .warn(format!(
                    "{}: {} ({}, line {})",
                    problem.severity,
                    problem.message,
                    problem.file,
                    problem.line.unwrap_or(0)
                ))
                .await?;
        }
        let Some(entity) = refs.first() else {
            let why = problems.first().map_or_else(|| "it holds no entity".to_owned(), |p| p.message.clone());
            return Err(StepFault::Failed(format!("{} was registered and gave nothing: {why}", wanted.address)));
        };
        self.context.log(format!("in the catalog: {}", refs.join(", "))).await?;
        Ok(Outcome::Done {
            output: json!({ "entityRef": entity, "catalogInfoUrl": wanted.address }),
            detail: entity.clone(),
        })
    }

    /// What the template leaves: links and texts, rendered without secrets.
    async fn output(&self) -> Result<Outcome, StepFault> {
        let person = self.person().await?;
        let context = plan::context(&self.input.answers, &self.outputs(), &person, &self.context.run.id.to_string());
        let engine = Engine::default();
        let rendered = engine.value(&self.template.output, &context, &mut |_, _| {}).unwrap_or_else(|| json!({}));
        let list = |key: &str| rendered[key].as_array().cloned().unwrap_or_default();
        let links: Vec<Value> = list("links").into_iter().filter_map(|l| link(&l)).collect();
        let texts: Vec<Value> = list("text")
            .into_iter()
            .filter_map(|t| Some(json!({ "title": t["title"].as_str().unwrap_or("Next"), "html": markdown::to_html(t["content"].as_str()?) })))
            .collect();
        let detail = words::count(links.len(), "link", "links");
        Ok(Outcome::Done { output: json!({ "links": links, "texts": texts }), detail })
    }
}

fn e_system(error: &PortError) -> String {
    error.to_string().split(':').next().unwrap_or("The code host").to_owned()
}

fn wrong(error: InputError) -> StepFault {
    StepFault::Failed(format!("The template gives this step something it cannot use: {error}."))
}

/// A link of the template's output; an entity's page is ours.
fn link(written: &Value) -> Option<Value> {
    let entity = written["entityRef"].as_str().filter(|r| !r.is_empty());
    let url = match entity {
        Some(reference) => {
            crate::kernel::entity_ref::EntityRef::parse(reference, Some("component"), "default").ok()?.href()
        }
        None => written["url"].as_str()?.to_owned(),
    };
    Some(json!({ "title": written["title"].as_str().unwrap_or(&url), "url": url, "icon": written["icon"] }))
}
