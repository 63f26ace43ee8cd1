//! The verbs of the scaffolder: plan, create, start what was approved.

use async_trait::async_trait;
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::error::ScaffolderError;
use super::model::expression::Engine;
use super::model::form::{self, Secrets, Typed};
use super::model::template::Template;
use super::plan::{self, Person, Plan};
use super::runs::{CHECK, Input, KIND, OUTPUT};
use super::store;
use crate::engine::access::{Resource, Subject, Via, can};
use crate::engine::app::App;
use crate::engine::policy::model::{API_VERSION, Action, PlanFacts, ResourceFacts, SubjectFacts};
use crate::engine::policy::{self, Verdict};
use crate::engine::requests::submit::running;
use crate::engine::requests::{self, NewRequest, RequestError, RequestKind, RequestRow};
use crate::engine::runs::context::secrets_place;
use crate::engine::runs::{self, NewRun, NewStep, Purpose};
use crate::features::catalog::store as catalog;
use crate::kernel::entity_ref::EntityRef;
use crate::kernel::fault::FieldFault;

/// A template of the catalog, if the subject may see it.
///
/// # Errors
/// There is none.
pub async fn template(app: &App, subject: &Subject, namespace: &str, name: &str) -> Result<Template, ScaffolderError> {
    can(subject, "scaffolder.read", &Resource::NONE)?;
    let reference = EntityRef::new("template", namespace, name).canonical();
    let mut conn = app.db.acquire().await?;
    let row = catalog::entity(&mut conn, &reference, Some(&subject.claims())).await?;
    let row = row.ok_or(ScaffolderError::NoTemplate(reference))?;
    Ok(Template::read(&row.body, &row.etag))
}

/// A template by its canonical reference.
///
/// # Errors
/// There is none.
pub async fn template_by_ref(app: &App, subject: &Subject, reference: &str) -> Result<Template, ScaffolderError> {
    let parsed = EntityRef::parse(reference, Some("template"), "default")
        .map_err(|_| ScaffolderError::NoTemplate(reference.to_owned()))?;
    template(app, subject, &parsed.namespace, &parsed.name).await
}

/// Evaluates the `when` of a page; what cannot be evaluated shows the page.
pub fn when(condition: &Value, answers: &Value) -> bool {
    Engine::default().condition(Some(condition), &json!({ "parameters": answers }))
}

/// Somebody as templates see them.
///
/// # Errors
/// The database.
pub async fn person(conn: &mut PgConnection, login: &str) -> sqlx::Result<Person> {
    let reference = EntityRef::new("user", "default", login).canonical();
    let entity = match catalog::entity(conn, &reference, None).await? {
        Some(row) => row.body,
        None => json!({ "kind": "User", "metadata": { "name": login, "namespace": "default" }, "spec": {} }),
    };
    Ok(Person { reference, entity })
}

/// What is known of a person for the form.
pub fn form_context(app: &App, subject: &Subject) -> form::Context {
    let groups: Vec<String> = subject.teams.iter().map(|t| format!("group:default/{t}")).collect();
    let mut owns_as = vec![format!("user:default/{}", subject.login)];
    owns_as.extend(groups.clone());
    let hosts = match &app.code_hosts.github {
        Some(github) => vec![github.host().to_owned()],
        None => vec!["github.com".to_owned()],
    };
    form::Context { flags: Vec::new(), groups, owns_as, hosts }
}

/// Checks the answers to all pages that are shown.
///
/// # Errors
/// What is wrong, by field.
pub fn check_answers(
    template: &Template,
    answers: &Value,
    secrets: &Secrets,
    context: &form::Context,
) -> Result<Value, ScaffolderError> {
    let settled = form::settled_answers(&template.pages, answers, &context.flags, &when);
    let mut faults: Vec<FieldFault> = Vec::new();
    for page in template.shown_pages(&settled, &when) {
        faults.extend(form::validate(&template.pages[page], &settled, secrets, &Typed::default(), context));
    }
    if faults.is_empty() { Ok(settled) } else { Err(ScaffolderError::Answers(faults)) }
}

/// Secrets as JSON, for expressions and for sealing.
pub fn secrets_json(secrets: &Secrets) -> Map<String, Value> {
    secrets.iter().map(|(k, v)| (k.clone(), Value::String(v.expose().to_owned()))).collect()
}

/// Makes the plan of answers that were checked.
///
/// # Errors
/// See [`ScaffolderError`].
pub async fn plan(
    app: &App,
    subject: &Subject,
    template: &Template,
    answers: &Value,
    secrets: &Secrets,
) -> Result<Plan, ScaffolderError> {
    can(subject, "scaffolder.read", &Resource::NONE)?;
    let mut conn = app.db.acquire().await?;
    let person = person(&mut conn, &subject.login).await?;
    drop(conn);
    plan::make(app, template, answers, &secrets_json(secrets), &person).await
}

/// What policy says of a plan, without deciding anything.
pub fn preview_policy(
    app: &App,
    subject: &Subject,
    template: &Template,
    answers: &Value,
    plan: &Plan,
) -> policy::Output {
    policy::evaluate(&policy_input(app, subject, template, answers, plan))
}

fn policy_input(app: &App, subject: &Subject, template: &Template, answers: &Value, plan: &Plan) -> policy::Input {
    let kind = if matches!(subject.via, Via::Token { .. }) { "agent" } else { "human" };
    policy::Input {
        api_version: API_VERSION.to_owned(),
        now: app.clock.now(),
        action: Action {
            kind: "scaffolder".to_owned(),
            verb: "create".to_owned(),
            params: json!({ "template": template.reference.canonical(), "answers": answers }),
            estimate: None,
            plan: PlanFacts {
                adds: plan.calls.len() as u64,
                resource_types: vec!["repository".to_owned()],
                ..PlanFacts::default()
            },
        },
        subject: SubjectFacts {
            id: subject.who(),
            kind: kind.to_owned(),
            groups: subject.claims(),
            teams: subject.teams.clone(),
            on_behalf_of: None,
        },
        resource: ResourceFacts {
            entity_ref: plan.entity_ref.clone(),
            owner_team: plan.owner_team.clone(),
            ..ResourceFacts::default()
        },
        context: json!({}),
    }
}

/// What became of a wish to create.
#[derive(Debug, Clone)]
pub struct Created {
    /// The request.
    pub request: Uuid,
    /// Its run, if policy allowed it at once.
    pub run: Option<Uuid>,
    /// What policy said.
    pub verdict: Verdict,
}

/// What somebody wants to create.
#[derive(Debug)]
pub struct Wish<'a> {
    /// From which template.
    pub template: &'a Template,
    /// Checked and settled.
    pub answers: &'a Value,
    /// Secret answers.
    pub secrets: &'a Secrets,
    /// The plan that was seen; another plan now is refused.
    pub plan_hash: Option<&'a str>,
    /// Why.
    pub reason: Option<String>,
    /// The draft that goes when the request is made.
    pub draft: Option<Uuid>,
}

/// Asks for the creation; if policy allows it at once, its run starts in the same transaction.
///
/// # Errors
/// See [`ScaffolderError`].
pub async fn create(app: &App, subject: &Subject, wish: &Wish<'_>) -> Result<Created, ScaffolderError> {
    can(subject, "scaffolder.create", &Resource::NONE)?;
    let plan = plan(app, subject, wish.template, wish.answers, wish.secrets).await?;
    if let Some(blocker) = plan.blocker {
        return Err(ScaffolderError::Blocked(blocker));
    }
    if wish.plan_hash.is_some_and(|seen| seen != plan.hash) {
        return Err(ScaffolderError::PlanChanged);
    }
    let id = Uuid::now_v7();
    let secrets = secrets_json(wish.secrets);
    let sealed = if secrets.is_empty() {
        None
    } else {
        Some(app.sealer.seal(&place(id), Value::Object(secrets).to_string().as_bytes())?)
    };
    let name = plan.name.clone().unwrap_or_else(|| wish.template.title.clone());
    let new = NewRequest {
        kind: KIND,
        title: format!("Create {}", name.rsplit('/').next().unwrap_or(&name)),
        subject: subject.who(),
        on_behalf_of: None,
        user_id: Some(subject.user_id),
        team: plan.owner_team.clone(),
        resource: plan.entity_ref.clone(),
        params: json!({ "template": wish.template.reference.canonical(), "answers": wish.answers, "login": subject.login }),
        secrets: sealed,
        reason: wish.reason.clone(),
        plan: Some(plan.document.clone()),
        plan_hash: Some(plan.hash.clone()),
        estimate: None,
    };
    let input = policy_input(app, subject, wish.template, wish.answers, &plan);
    let mut tx = app.db.begin().await?;
    let submitted = requests::submit(&mut tx, id, subject, &new, Some(&input)).await?;
    let verdict = submitted.decision.as_ref().map_or(Verdict::Require, |d| d.output.decision);
    let mut run = None;
    if verdict == Verdict::Allow {
        let request = requests::store::find(&mut tx, id, None).await?.ok_or(RequestError::NotFound(id))?;
        run = Some(start(app, &mut tx, &request).await?);
        running(&mut tx, id).await?;
    }
    if let Some(draft) = wish.draft {
        store::delete_draft(&mut tx, draft, subject.user_id).await?;
    }
    tx.commit().await?;
    Ok(Created { request: id, run, verdict })
}

fn place(request: Uuid) -> String {
    format!("requests_request/{request}")
}

/// Starts the run of an approved request in the caller's transaction.
///
/// # Errors
/// The template is gone; something is running for the same repository.
pub async fn start(app: &App, conn: &mut PgConnection, request: &RequestRow) -> Result<Uuid, RequestError> {
    let gone = |title: &str| RequestError::Kind {
        title: title.to_owned(),
        detail: "Ask again from the template as it is now.".to_owned(),
    };
    let reference = request.params["template"].as_str().unwrap_or_default();
    let row = catalog::entity(conn, reference, None)
        .await?
        .ok_or_else(|| gone("The template is no longer in the catalog"))?;
    let template = Template::read(&row.body, &row.etag);
    let plan = request.plan.clone().unwrap_or(Value::Null);
    let id = Uuid::now_v7();
    let secrets = match &request.secrets {
        Some(sealed) => {
            let plain = app
                .sealer
                .open(&place(request.id), sealed)
                .map_err(|_| gone("The secrets of the request do not open"))?;
            Some(
                app.sealer
                    .seal(&secrets_place(id), &plain)
                    .map_err(|_| gone("The secrets of the request cannot be sealed"))?,
            )
        }
        None => None,
    };
    let input = Input {
        template: reference.to_owned(),
        answers: request.params["answers"].clone(),
        plan_hash: request.plan_hash.clone().unwrap_or_default(),
        files: plan["files"].clone(),
        login: request.params["login"].as_str().unwrap_or_default().to_owned(),
    };
    let mut steps =
        vec![NewStep { key: CHECK.to_owned(), title: "Check the plan".to_owned(), action: "plan".to_owned() }];
    steps.extend(template.steps.iter().map(|s| NewStep {
        key: format!("step:{}", s.id),
        title: s.name.clone(),
        action: s.action.clone(),
    }));
    steps.push(NewStep {
        key: OUTPUT.to_owned(),
        title: "Leave links and next steps".to_owned(),
        action: "output".to_owned(),
    });
    let mut visible_to = vec![request.subject.clone(), "admin".to_owned()];
    visible_to.extend(request.team.iter().map(|t| format!("group:{t}")));
    let subject_ref = request.resource.clone().unwrap_or_else(|| request.id.to_string());
    let run = NewRun {
        id,
        request_id: Some(request.id),
        kind: KIND,
        purpose: Purpose::Apply,
        title: request.title.clone(),
        subject_ref: format!("scaffolder:{subject_ref}"),
        input: serde_json::to_value(&input).unwrap_or(Value::Null),
        secrets,
        started_by: request.subject.clone(),
        visible_to: Some(visible_to),
        steps,
    };
    runs::start(conn, &run).await?;
    Ok(id)
}

/// Requests to create, as the engine knows them.
#[derive(Debug)]
pub struct CreateRequests;

#[async_trait]
impl RequestKind for CreateRequests {
    fn name(&self) -> &'static str {
        KIND
    }

    fn policy_input(&self, _request: &RequestRow, _now: chrono::DateTime<chrono::Utc>) -> Option<policy::Input> {
        // Its plan is there when it is submitted, so it is decided then.
        None
    }

    async fn start(&self, app: &App, conn: &mut PgConnection, request: &RequestRow) -> Result<(), RequestError> {
        start(app, conn, request).await.map(|_| ())
    }
}
