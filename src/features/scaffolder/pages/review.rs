//! The plan: every file with its content, every call, what policy says; then the button.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::wizard::{Sheet, WizardStep, load, wizard_steps};
use crate::engine::app::App;
use crate::engine::policy::{Output, Verdict};
use crate::engine::web::{Form, Page, Path, Problem, Query, Visitor, flash, html, words};
use crate::features::scaffolder::actions::{self, Wish};
use crate::features::scaffolder::error::ScaffolderError;
use crate::features::scaffolder::model::form::{self, ReviewRow};
use crate::features::scaffolder::plan::Plan;
use crate::kernel::canonical;
use crate::kernel::tree::{Tree, TreePath};

/// How many lines of a file the page shows.
const LINES: usize = 2_000;

#[derive(askama::Template)]
#[template(path = "scaffolder/review.html")]
struct ReviewPage {
    page: Page,
    title: String,
    template: String,
    draft: Uuid,
    steps: Vec<WizardStep>,
    last: usize,
    rows: Vec<ReviewRow>,
    folders: Vec<Folder>,
    count: usize,
    file: Option<FileView>,
    calls: Vec<String>,
    warnings: Vec<String>,
    blocker: Option<String>,
    policy: PolicyView,
    hash: String,
    fingerprint: String,
    took: String,
    asks: bool,
}

struct Folder {
    name: String,
    open: bool,
    files: Vec<Leaf>,
}

struct Leaf {
    name: String,
    href: String,
    lines: String,
    current: bool,
}

struct FileView {
    path: String,
    note: String,
    lines: Vec<String>,
    cut: bool,
}

struct PolicyView {
    tone: &'static str,
    icon: &'static str,
    word: &'static str,
    reasons: Vec<String>,
    who: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    file: String,
}

pub(super) async fn review(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    Query(which): Query<Which>,
) -> Result<Response, Problem> {
    let started = std::time::Instant::now();
    let sheet = load(&app, &visitor.subject, id).await?;
    let context = actions::form_context(&app, &visitor.subject);
    let answers = match actions::check_answers(&sheet.template, &sheet.answers, &sheet.secrets, &context) {
        Ok(answers) => answers,
        // The page with the first mistake shows it in its place.
        Err(ScaffolderError::Answers(_)) => {
            flash::warn(&visitor.session, "An answer is missing or needs a change.").await;
            let page = first_wrong(&sheet, &context);
            return Ok(Redirect::to(&format!("/scaffolder/drafts/{id}?page={page}")).into_response());
        }
        Err(e) => return Err(e.into()),
    };
    let plan = actions::plan(&app, &visitor.subject, &sheet.template, &answers, &sheet.secrets).await?;
    let policy = actions::preview_policy(&app, &visitor.subject, &sheet.template, &answers, &plan);
    let shown = sheet.template.shown_pages(&answers, &actions::when);
    let path = TreePath::new(&which.file).ok().filter(|p| plan.files.get(p).is_some());
    let path = path.or_else(|| best_file(&plan.files));
    html(&ReviewPage {
        page: visitor.page,
        title: plan.name.as_deref().and_then(|n| n.rsplit('/').next()).unwrap_or(&sheet.template.title).to_owned(),
        template: sheet.template.title.clone(),
        draft: id,
        steps: wizard_steps(&sheet.template, &shown, shown.len(), Some(id)),
        last: shown.len().saturating_sub(1),
        rows: form::review_rows(&sheet.template.pages, &answers, &context, &actions::when),
        folders: folders(&plan.files, id, path.as_ref()),
        count: plan.files.len(),
        file: path.as_ref().and_then(|p| file_view(&plan, p)),
        calls: plan.calls.clone(),
        warnings: plan.warnings.clone(),
        blocker: plan.blocker.clone(),
        asks: policy.decision == Verdict::Require,
        policy: policy_view(&policy),
        fingerprint: canonical::fingerprint(&plan.hash),
        hash: plan.hash,
        took: format!("{} ms", started.elapsed().as_millis()),
    })
}

/// The first page whose answers do not pass, by its number among those shown.
fn first_wrong(sheet: &Sheet, context: &form::Context) -> usize {
    let shown = sheet.template.shown_pages(&sheet.answers, &actions::when);
    let wrong = |page: &usize| {
        !form::validate(&sheet.template.pages[*page], &sheet.answers, &sheet.secrets, &form::Typed::default(), context)
            .is_empty()
    };
    shown.iter().position(wrong).unwrap_or(0)
}

/// What to show first: the readme, else the first text.
fn best_file(files: &Tree) -> Option<TreePath> {
    let readme = files.iter().find(|(p, _)| p.as_str().eq_ignore_ascii_case("readme.md"));
    readme.or_else(|| files.iter().find(|(_, f)| f.text().is_some())).map(|(p, _)| p.clone())
}

fn folders(files: &Tree, draft: Uuid, current: Option<&TreePath>) -> Vec<Folder> {
    let mut by_folder: BTreeMap<String, Vec<Leaf>> = BTreeMap::new();
    for (path, file) in files.iter() {
        let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
        let query: String = url::form_urlencoded::byte_serialize(path.as_str().as_bytes()).collect();
        by_folder.entry(folder.to_owned()).or_default().push(Leaf {
            name: name.to_owned(),
            href: format!("/scaffolder/drafts/{draft}/review?file={query}#file"),
            lines: file.text().map_or_else(|| "binary".to_owned(), |t| t.lines().count().to_string()),
            current: current == Some(path),
        });
    }
    by_folder
        .into_iter()
        .map(|(name, files)| Folder { open: name.is_empty() || files.iter().any(|f| f.current), name, files })
        .collect()
}

fn file_view(plan: &Plan, path: &TreePath) -> Option<FileView> {
    let file = plan.files.get(path)?;
    let executable = if file.mode == crate::kernel::tree::Mode::Executable { ", executable" } else { "" };
    let Some(text) = file.text() else {
        let note = format!("binary, {} bytes{executable}", file.content.len());
        return Some(FileView { path: path.to_string(), note, lines: Vec::new(), cut: false });
    };
    let all = text.lines().count();
    Some(FileView {
        path: path.to_string(),
        note: format!("{}{executable}", words::count(all, "line", "lines")),
        lines: text.lines().take(LINES).map(str::to_owned).collect(),
        cut: all > LINES,
    })
}

fn policy_view(output: &Output) -> PolicyView {
    let (tone, icon, word) = match output.decision {
        Verdict::Allow => ("good", "good", "Allowed at once"),
        Verdict::Require => ("warn", "clock", "Needs an answer"),
        Verdict::Deny => ("bad", "bad", "Denied"),
    };
    let groups: Vec<String> =
        output.obligations.approvals.iter().flat_map(|a| &a.any_of).map(|g| words::team(g)).collect();
    PolicyView {
        tone,
        icon,
        word,
        reasons: output.reasons.iter().map(|r| r.text.clone()).collect(),
        who: (!groups.is_empty()).then(|| groups.join(" and ")),
    }
}

pub(super) async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
    form: Form,
) -> Result<Response, Problem> {
    let sheet = load(&app, &visitor.subject, id).await?;
    let context = actions::form_context(&app, &visitor.subject);
    let answers = actions::check_answers(&sheet.template, &sheet.answers, &sheet.secrets, &context)?;
    let wish = Wish {
        template: &sheet.template,
        answers: &answers,
        secrets: &sheet.secrets,
        plan_hash: form.get("plan"),
        reason: form.get("reason").map(str::to_owned),
        draft: Some(id),
    };
    let created = match actions::create(&app, &visitor.subject, &wish).await {
        Ok(created) => created,
        Err(e @ (ScaffolderError::PlanChanged | ScaffolderError::Blocked(_))) => {
            let explained: &dyn crate::kernel::fault::Explain = &e;
            flash::warn(&visitor.session, format!("{}. {}", explained.title(), explained.detail())).await;
            return Ok(Redirect::to(&format!("/scaffolder/drafts/{id}/review")).into_response());
        }
        Err(e) => return Err(e.into()),
    };
    app.waiting.clear();
    match (created.run, created.verdict) {
        (Some(run), _) => Ok(Redirect::to(&format!("/requests/runs/{run}")).into_response()),
        (None, verdict) => {
            if verdict == Verdict::Require {
                flash::good(&visitor.session, "Asked. It starts by itself as soon as the answer is there.").await;
            }
            Ok(Redirect::to(&format!("/requests/{}", created.request)).into_response())
        }
    }
}
