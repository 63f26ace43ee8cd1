//! Reading sources and writing what they say: many sources in one transaction, so that ten thousand
//! files are in the catalog within seconds, and nothing is half written.

use std::collections::{HashMap, HashSet};

use futures::StreamExt as _;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::model::hosts::CodeHosts as Makes;
use super::model::refusal::Problem;
use super::model::rules::{Rule, Rules};
use super::model::yaml::Document;
use super::model::{Place, check, descriptor, location, placeholder, relations, storable, view};
use super::places::{self, Target};
use super::store::{SourceKind, SourceRow};
use super::write::{self, NewEntity, NewProblem, NewRelation, SourceState};
use crate::engine::app::App;
use crate::kernel::canonical;
use crate::kernel::entity_ref::EntityRef;
use crate::ports::PortError;
use crate::ports::code_host::Fetched;

/// How many sources are read at the same time. They mostly wait for others.
const READERS: usize = 8;
/// How many sources one transaction writes.
pub const BATCH: i64 = 500;
/// How many files one descriptor may draw in by `$text` and its like.
const MOST_PLACEHOLDERS: usize = 200;
/// Annotation: which teams may see an entity; everybody where it is missing.
pub const VISIBLE_TO: &str = "slipway.dev/visible-to";

/// What reading one source came to.
struct Reading {
    source: SourceRow,
    file: String,
    result: Outcome,
}

enum Outcome {
    /// As it was.
    Unchanged,
    /// It could not be read.
    Failed(PortError),
    /// It was read.
    Read { etag: Option<String>, hash: String, said: Said },
}

/// What a file says.
#[derive(Default)]
struct Said {
    entities: Vec<Entity>,
    problems: Vec<Found>,
    /// Problems of the file as a whole: what it said before stays.
    is_broken: bool,
}

struct Entity {
    row: NewEntity,
    relations: Vec<(relations::Relation, Option<(i32, i32)>)>,
    targets: Vec<(Target, bool)>,
}

struct Found {
    entity_ref: Option<String>,
    owner_ref: Option<String>,
    problem: Problem,
    at: (i32, i32),
    warning: bool,
}

/// What a round of reading did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Round {
    /// Sources that were due.
    pub read: usize,
    /// Entities that were written or removed.
    pub changed: usize,
}

/// Reads the sources that are due, one batch of them.
///
/// # Errors
/// The database.
pub async fn read_due(app: &App) -> sqlx::Result<Round> {
    let mut conn = app.db.acquire().await?;
    let due = write::claim_due(&mut conn, BATCH).await?;
    drop(conn);
    let read = due.len();
    let changed = read_sources(app, due).await?;
    Ok(Round { read, changed })
}

/// Reads one source now and tells what is wrong with it, if anything.
///
/// # Errors
/// The database; the source cannot be read at all.
pub async fn read_now(app: &App, source: SourceRow) -> Result<(), super::error::CatalogError> {
    let reading = read_one(app, &places::makes(app), SourceRow { etag: None, content_hash: None, ..source }).await;
    let failure = match &reading.result {
        Outcome::Failed(e) => Some(e.clone()),
        _ => None,
    };
    write_batch(app, vec![reading]).await?;
    failure.map_or(Ok(()), |e| Err(e.into()))
}

async fn read_sources(app: &App, due: Vec<SourceRow>) -> sqlx::Result<usize> {
    if due.is_empty() {
        return Ok(0);
    }
    let makes = places::makes(app);
    let readings: Vec<Reading> = futures::stream::iter(due)
        .map(|source| read_one(app, &makes, source))
        .buffer_unordered(READERS)
        .collect()
        .await;
    write_batch(app, readings).await
}

async fn read_one(app: &App, makes: &Makes, source: SourceRow) -> Reading {
    let place_of = source.target.location(app);
    let file = place_of.target.clone();
    let result = match places::read(app, &source.target, source.etag.as_deref()).await {
        Ok(Fetched::NotModified) => Outcome::Unchanged,
        Ok(Fetched::Content { bytes, etag }) => {
            let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
            if source.content_hash.as_deref() == Some(hash.as_str()) && source.state == "good" {
                Outcome::Unchanged
            } else {
                let place = Place::direct(place_of);
                Outcome::Read { etag, hash, said: interpret(app, makes, &source, place, bytes.to_vec()).await }
            }
        }
        Err(e) => Outcome::Failed(e),
    };
    Reading { source, file, result }
}

/// Whom a place may define. Sources that an admin or the organization named may define everything;
/// what somebody registered may define no people, no teams and no templates.
fn rules(origin: &str) -> Rules {
    const ALL: [&str; 9] =
        ["Component", "API", "Resource", "System", "Domain", "Group", "User", "Location", "Template"];
    let registered = ["Component", "API", "Resource", "System", "Domain", "Location"];
    let rule = if origin == "registered" { Rule::everywhere(registered) } else { Rule::everywhere(ALL) };
    Rules { rules: vec![rule] }
}

async fn interpret(app: &App, makes: &Makes, source: &SourceRow, place: Place, bytes: Vec<u8>) -> Said {
    let rules = rules(&source.origin);
    let at = place.clone();
    // Parsing is work for the processor, not for the threads that wait for sockets.
    let parsed = tokio::task::spawn_blocking(move || descriptor::read(&bytes, &at, &rules)).await;
    let Ok(parsed) = parsed else {
        let problem = Problem::new("", "The file made the parser fail.", "It is our mistake; tell the platform team.");
        return Said { is_broken: true, problems: vec![found(None, problem, (1, 1))], ..Said::default() };
    };
    let mut said = Said { is_broken: !parsed.errors.is_empty(), ..Said::default() };
    for error in parsed.errors {
        let at = (int(error.position.line), int(error.position.column));
        said.problems.push(found(None, error.problem, at));
    }
    if said.is_broken {
        return said;
    }
    let mut drawn_in = HashMap::new();
    for admitted in parsed.entities {
        one_entity(app, makes, source, &place, admitted, &mut drawn_in, &mut said).await;
    }
    said
}

fn found(entity_ref: Option<String>, problem: Problem, at: (i32, i32)) -> Found {
    Found { entity_ref, owner_ref: None, problem, at, warning: false }
}

fn int(n: u64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// From a document to what the catalog keeps, or to problems with their lines.
async fn one_entity(
    app: &App,
    makes: &Makes,
    source: &SourceRow,
    place: &Place,
    admitted: descriptor::Admitted,
    drawn_in: &mut HashMap<String, Result<Vec<u8>, String>>,
    said: &mut Said,
) {
    let document = admitted.document;
    let reference = check::reference_of(&document.value).canonical();
    let point = |pointer: &str| {
        let position = document.position(pointer);
        (int(position.line), int(position.column))
    };
    let result = complete(app, makes, place, &admitted.entity, drawn_in).await;
    let (checked, stated) = match result {
        Ok(done) => done,
        Err(first) => {
            // Everything at once, so that nobody mends one mistake to meet the next.
            let mut all = check::problems(&document.value);
            if !all.iter().any(|p| p.pointer == first.pointer) {
                all.insert(0, first);
            }
            let owner = document.value["spec"]["owner"]
                .as_str()
                .and_then(|o| EntityRef::parse(o, Some("group"), "default").ok());
            for problem in all {
                let at = point(&problem.pointer);
                let owner_ref = owner.as_ref().map(EntityRef::canonical);
                said.problems.push(Found { owner_ref, ..found(Some(reference.clone()), problem, at) });
            }
            return;
        }
    };
    let columns = view::columns(&checked.entity, &stated);
    let mut targets = Vec::new();
    if columns.reference.kind.eq_ignore_ascii_case("location") {
        let named = location::targets(&checked.entity, &place.location, makes);
        for refusal in named.refused {
            let at = point(&refusal.problem.pointer);
            said.problems.push(found(Some(reference.clone()), refusal.problem, at));
        }
        for target in named.places {
            match child(app, source, &target) {
                Some(target) => targets.push((target, named.is_optional)),
                None => {
                    let problem = Problem::new(
                        "/spec",
                        format!("“{target}” cannot be read from here."),
                        "Name an address, or a path beside this file.",
                    );
                    said.problems.push(found(Some(reference.clone()), problem, point("/spec")));
                }
            }
        }
    }
    let visible_to = visible_to(&checked.entity);
    let relations = stated
        .into_iter()
        .map(|r| (position_of(&r, &columns.reference, &document), r))
        .map(|(at, r)| (r, at))
        .collect();
    said.entities.push(Entity {
        row: NewEntity {
            source: source.id,
            entity_ref: columns.reference.canonical(),
            kind: columns.reference.kind.to_lowercase(),
            namespace: columns.reference.namespace.clone(),
            name: columns.reference.name.clone(),
            title: columns.title,
            description: columns.description,
            r#type: columns.kind_type,
            lifecycle: columns.lifecycle,
            owner_ref: columns.owner,
            system_ref: columns.system,
            tags: columns.tags,
            etag: canonical::hash(&checked.entity),
            body: checked.entity,
            line: int(document.position("").line),
            visible_to,
        },
        relations,
        targets,
    });
}

/// Placeholders filled, checked, related: everything that can refuse an entity.
async fn complete(
    app: &App,
    makes: &Makes,
    place: &Place,
    entity: &Value,
    drawn_in: &mut HashMap<String, Result<Vec<u8>, String>>,
) -> Result<(check::Checked, Vec<relations::Relation>), Problem> {
    let resolvers = placeholder::Resolvers::default();
    let base = &place.location.target;
    let wanted = placeholder::find(entity, base, makes, &resolvers).map_err(|r| r.problem)?;
    if drawn_in.len() + wanted.len() > MOST_PLACEHOLDERS {
        let sentence = format!("The file draws in more than {MOST_PLACEHOLDERS} other files.");
        return Err(Problem::new("", sentence, "Spread its entities over several files."));
    }
    for wanted in &wanted {
        if !drawn_in.contains_key(&wanted.address) {
            let bytes = draw_in(app, &wanted.address).await;
            drawn_in.insert(wanted.address.clone(), bytes);
        }
    }
    let read =
        |address: &str| drawn_in.get(address).cloned().unwrap_or_else(|| Err("NotFoundError: not read".to_owned()));
    let filled = placeholder::substitute(entity, base, makes, &resolvers, read).map_err(|r| r.problem)?;
    let checked = check::check(&filled, place, makes).map_err(|r| r.problem)?;
    let stated = relations::relations(&checked.entity).map_err(|r| r.problem)?;
    storable::check(&checked.entity, &stated).map_err(|r| r.problem)?;
    Ok((checked, stated))
}

async fn draw_in(app: &App, address: &str) -> Result<Vec<u8>, String> {
    let target = Target::of_address(app, address).ok_or_else(|| format!("NotAllowedError: {address} is no address"))?;
    match places::read(app, &target, None).await {
        Ok(Fetched::Content { bytes, .. }) => Ok(bytes.to_vec()),
        Ok(Fetched::NotModified) => Err("Error: no content".to_owned()),
        Err(PortError::NotFound { what, .. }) => Err(format!("NotFoundError: {what} was not found")),
        Err(PortError::Refused { why, .. }) => Err(format!("NotAllowedError: {why}")),
        Err(e) => Err(format!("Error: {e}")),
    }
}

/// Where a Location of this source leads. A file may lead to files beside it; nothing else may.
fn child(app: &App, source: &SourceRow, to: &super::model::LocationRef) -> Option<Target> {
    match (to.kind.as_str(), source.target.kind) {
        ("file", SourceKind::File) => Some(Target::file(&to.target)),
        ("url", _) => Target::of_address(app, &to.target),
        _ => None,
    }
}

/// Who may see an entity: everybody, or the teams of its annotation and admins.
fn visible_to(entity: &Value) -> Option<Vec<String>> {
    let teams = entity["metadata"]["annotations"][VISIBLE_TO].as_str()?;
    let mut claims: Vec<String> = teams
        .split(',')
        .map(|t| t.trim().rsplit([':', '/']).next().unwrap_or_default().to_lowercase())
        .filter(|t| !t.is_empty())
        .map(|t| format!("group:{t}"))
        .collect();
    claims.push("admin".to_owned());
    Some(claims)
}

/// Where in its file an entity names another: the first text under `spec` that means it.
fn position_of(relation: &relations::Relation, own: &EntityRef, document: &Document) -> Option<(i32, i32)> {
    if relation.from.canonical() != own.canonical() {
        return None;
    }
    let wanted = relation.to.canonical();
    let means = |text: &str| {
        EntityRef::parse(text, Some(&relation.to.kind), &own.namespace).is_ok_and(|r| r.canonical() == wanted)
    };
    for (field, value) in document.value["spec"].as_object()? {
        let pointer = match value {
            Value::String(text) if means(text) => format!("/spec/{field}"),
            Value::Array(items) => match items.iter().position(|i| i.as_str().is_some_and(means)) {
                Some(at) => format!("/spec/{field}/{at}"),
                None => continue,
            },
            _ => continue,
        };
        let position = document.position(&pointer);
        return Some((int(position.line), int(position.column)));
    }
    None
}

/// Seconds until a source is looked at again. Files are cheap; others are told by events and looked
/// at now and then all the same.
fn next_look(source: &SourceRow, failed: bool) -> f64 {
    match (source.target.kind, failed) {
        (SourceKind::File, _) => 15.0,
        (_, true) => 60.0,
        (SourceKind::Repository, false) if source.target.target.starts_with("local/") => 60.0,
        (_, false) => 300.0,
    }
}

/// Writes what a batch of readings came to, in one transaction.
async fn write_batch(app: &App, readings: Vec<Reading>) -> sqlx::Result<usize> {
    let mut tx = app.db.begin().await?;
    let mut batch = Batch::default();
    for reading in readings {
        batch.add(reading);
    }
    let changed = batch.write(app, &mut tx).await?;
    tx.commit().await?;
    Ok(changed)
}

/// A batch on its way into the tables.
#[derive(Default)]
struct Batch {
    unchanged: (Vec<Uuid>, Vec<f64>),
    /// Sources whose entities are replaced.
    replaced: Vec<Uuid>,
    states: Vec<SourceState>,
    entities: Vec<Entity>,
    problems: Vec<NewProblem>,
    files: HashMap<Uuid, String>,
}

impl Batch {
    fn add(&mut self, reading: Reading) {
        let Reading { source, file, result } = reading;
        self.files.insert(source.id, file.clone());
        match result {
            Outcome::Unchanged => {
                self.unchanged.0.push(source.id);
                self.unchanged.1.push(next_look(&source, false));
            }
            Outcome::Failed(PortError::NotFound { .. }) if source.optional => {
                self.set(&source, None, None, false, Some(Vec::new()), Vec::new())
            }
            Outcome::Failed(e) => {
                let hint = match &e {
                    PortError::NotFound { .. } => "Put the file back, or remove the source.",
                    PortError::Refused { .. } => "Ask the portal's operators to allow it (SLIPWAY_CATALOG_HOSTS).",
                    PortError::Invalid { .. } => "Make it smaller, or split it.",
                    _ => "Nothing to do: it is tried again by itself. What was read before stays.",
                };
                let problem = Problem::new("", format!("{e}."), hint);
                self.set(&source, None, None, true, None, vec![found(None, problem, (0, 0))]);
            }
            Outcome::Read { etag, hash, said } => {
                let failed = said.is_broken;
                let entities = (!failed).then_some(said.entities);
                self.set(&source, etag, Some(hash), failed, entities, said.problems);
            }
        }
    }

    fn set(
        &mut self,
        source: &SourceRow,
        etag: Option<String>,
        hash: Option<String>,
        failed: bool,
        entities: Option<Vec<Entity>>,
        found: Vec<Found>,
    ) {
        let file = self.files.get(&source.id).cloned().unwrap_or_default();
        self.states.push(SourceState {
            id: source.id,
            etag,
            hash,
            state: if failed { "failed" } else { "good" },
            entities: entities.as_ref().map(|e| i32::try_from(e.len()).unwrap_or(i32::MAX)),
            problems: i32::try_from(found.len()).unwrap_or(i32::MAX),
            next: next_look(source, failed),
        });
        for f in found {
            self.problems.push(NewProblem {
                source: source.id,
                entity_ref: f.entity_ref,
                owner_ref: f.owner_ref,
                severity: if f.warning { "warning" } else { "error" },
                message: f.problem.sentence,
                hint: Some(f.problem.hint).filter(|h| !h.is_empty()),
                file: file.clone(),
                at: (f.at.0 > 0).then_some(f.at),
            });
        }
        if let Some(entities) = entities {
            self.replaced.push(source.id);
            self.entities.extend(entities);
        }
    }

    async fn write(mut self, app: &App, conn: &mut PgConnection) -> sqlx::Result<usize> {
        write::touch(conn, &self.unchanged.0, &self.unchanged.1).await?;
        if self.states.is_empty() {
            return Ok(0);
        }
        self.drop_conflicts(conn).await?;
        let refs: Vec<String> = self.entities.iter().map(|e| e.row.entity_ref.clone()).collect();
        let gone = write::keep_entities(conn, &self.replaced, &refs).await?;
        let rows: Vec<NewEntity> = self.entities.iter().map(|e| e.row.clone()).collect();
        let changed: HashMap<String, Uuid> = write::put_entities(conn, &rows).await?.into_iter().collect();
        self.write_relations(conn, &changed).await?;
        self.write_children(app, conn).await?;
        let sources: Vec<Uuid> = self.states.iter().map(|s| s.id).collect();
        write::put_problems(conn, &sources, &self.problems).await?;
        write::set_states(conn, &self.states).await?;
        // Problems show on pages too, so they count as a change.
        write::raise_generation(conn).await?;
        Ok(changed.len() + usize::try_from(gone).unwrap_or(0))
    }

    /// The first source that defines an entity keeps it; the other is told, with the name of the first.
    async fn drop_conflicts(&mut self, conn: &mut PgConnection) -> sqlx::Result<()> {
        let refs: Vec<String> = self.entities.iter().map(|e| e.row.entity_ref.clone()).collect();
        let owners: HashMap<String, (Uuid, String)> =
            write::owners_of(conn, &refs).await?.into_iter().map(|(r, id, what)| (r, (id, what))).collect();
        let still: HashSet<(Uuid, String)> =
            self.entities.iter().map(|e| (e.row.source, e.row.entity_ref.clone())).collect();
        let replaced: HashSet<Uuid> = self.replaced.iter().copied().collect();
        let mut taken: HashMap<String, String> = HashMap::new();
        let (mut kept, mut problems) = (Vec::new(), Vec::new());
        for entity in std::mem::take(&mut self.entities) {
            let reference = entity.row.entity_ref.clone();
            let other = match owners.get(&reference) {
                // Its owner is in this batch too and no longer defines it: it goes over.
                Some((owner, what)) if *owner != entity.row.source => {
                    let gives_up = replaced.contains(owner) && !still.contains(&(*owner, reference.clone()));
                    (!gives_up).then(|| what.clone())
                }
                _ => taken.get(&reference).cloned(),
            };
            match other {
                None => {
                    taken.insert(reference, self.files.get(&entity.row.source).cloned().unwrap_or_default());
                    kept.push(entity);
                }
                Some(other) => problems.push((entity, other)),
            }
        }
        for (entity, other) in problems {
            let file = self.files.get(&entity.row.source).cloned().unwrap_or_default();
            if let Some(state) = self.states.iter_mut().find(|s| s.id == entity.row.source) {
                state.problems += 1;
            }
            self.problems.push(NewProblem {
                source: entity.row.source,
                entity_ref: Some(entity.row.entity_ref.clone()),
                owner_ref: entity.row.owner_ref.clone(),
                severity: "error",
                message: format!(
                    "{} is defined in {other} already, which was first and keeps it.",
                    entity.row.entity_ref
                ),
                hint: Some(
                    "Rename one of the two, or remove it there; this one is then taken over by itself.".to_owned(),
                ),
                file,
                at: Some((entity.row.line, 1)),
            });
        }
        self.entities = kept;
        Ok(())
    }

    async fn write_relations(&self, conn: &mut PgConnection, changed: &HashMap<String, Uuid>) -> sqlx::Result<()> {
        let mut originators = Vec::new();
        let mut relations = Vec::new();
        for entity in &self.entities {
            let Some(id) = changed.get(&entity.row.entity_ref) else { continue };
            originators.push(*id);
            for (relation, at) in &entity.relations {
                relations.push(NewRelation {
                    originator: *id,
                    from: relation.from.canonical(),
                    kind: relation.kind.to_owned(),
                    to: relation.to.canonical(),
                    at: *at,
                });
            }
        }
        if originators.is_empty() {
            return Ok(());
        }
        write::put_relations(conn, &originators, &relations).await
    }

    /// Sources that Locations name are read in the next round; those no longer named go.
    async fn write_children(&self, _app: &App, conn: &mut PgConnection) -> sqlx::Result<()> {
        let mut children: HashMap<Uuid, Vec<Uuid>> = self.replaced.iter().map(|id| (*id, Vec::new())).collect();
        for entity in &self.entities {
            for (target, optional) in &entity.targets {
                let (id, _) =
                    write::put_source(conn, target, "location", Some(entity.row.source), *optional, None).await?;
                children.entry(entity.row.source).or_default().push(id);
            }
        }
        for (parent, keep) in children {
            write::keep_children(conn, parent, &keep).await?;
        }
        Ok(())
    }
}
