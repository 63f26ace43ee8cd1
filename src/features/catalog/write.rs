//! Every statement that changes `catalog_*`: sources, and what a batch of readings gave.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::places::Target;
use super::store::{RawSource, SourceRow};

/// Makes a source, or finds the one that is there; tells its key and whether it is new.
pub async fn put_source(
    conn: &mut PgConnection,
    target: &Target,
    origin: &str,
    parent: Option<Uuid>,
    optional: bool,
    by: Option<&str>,
) -> sqlx::Result<(Uuid, bool)> {
    let made = sqlx::query_scalar!(
        "insert into catalog_source (id, kind, target, path, origin, parent_id, optional, registered_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (kind, target, path) do nothing returning id",
        Uuid::now_v7(),
        target.kind.as_str(),
        target.target,
        target.path,
        origin,
        parent,
        optional,
        by
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = made {
        return Ok((id, true));
    }
    let id = sqlx::query_scalar!(
        "select id from catalog_source where kind = $1 and target = $2 and path = $3",
        target.kind.as_str(),
        target.target,
        target.path
    )
    .fetch_one(conn)
    .await?;
    Ok((id, false))
}

/// Makes many sources of one origin at once; those that are there stay as they are.
pub async fn put_sources(
    conn: &mut PgConnection,
    targets: &[Target],
    origin: &str,
    optional: bool,
) -> sqlx::Result<u64> {
    let column = |get: fn(&Target) -> String| targets.iter().map(get).collect::<Vec<_>>();
    let done = sqlx::query!(
        "insert into catalog_source (id, kind, target, path, origin, optional)
         select gen_random_uuid(), t.kind, t.target, t.path, $4, $5 from unnest($1::text[], $2::text[], $3::text[]) as t(kind, target, path)
         on conflict (kind, target, path) do nothing",
        &column(|t| t.kind.as_str().to_owned()),
        &column(|t| t.target.clone()),
        &column(|t| t.path.clone()),
        origin,
        optional
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes the sources of an origin and kind that are no longer named; their entities go with them.
pub async fn keep_sources(conn: &mut PgConnection, targets: &[Target], origin: &str) -> sqlx::Result<u64> {
    let keys: Vec<String> = targets.iter().map(|t| format!("{}\n{}\n{}", t.kind.as_str(), t.target, t.path)).collect();
    let done = sqlx::query!(
        "delete from catalog_source where origin = $2 and not (kind || E'\n' || target || E'\n' || path) = any($1)",
        &keys,
        origin
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Removes the children of a source that its Locations no longer name.
pub async fn keep_children(conn: &mut PgConnection, parent: Uuid, keep: &[Uuid]) -> sqlx::Result<u64> {
    let done = sqlx::query!("delete from catalog_source where parent_id = $1 and not id = any($2)", parent, keep)
        .execute(conn)
        .await?;
    Ok(done.rows_affected())
}

/// Removes a source; its entities go with it.
pub async fn delete_source(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    Ok(sqlx::query!("delete from catalog_source where id = $1", id).execute(conn).await?.rows_affected() == 1)
}

/// Makes a source due now.
pub async fn make_due(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update catalog_source set due_at = now() where id = $1", id).execute(conn).await?;
    Ok(())
}

/// Makes what is read from a repository due now. `repository` is `host/owner/name`.
pub async fn make_repository_due(conn: &mut PgConnection, repository: &str) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("update catalog_source set due_at = now() where kind = 'repository' and target = $1", repository)
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}

/// Claims sources that are due, for a while, so that several workers share them.
pub async fn claim_due(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<SourceRow>> {
    sqlx::query_as!(
        RawSource,
        "update catalog_source s set due_at = now() + interval '2 minutes'
         from (select id from catalog_source where due_at <= now() order by due_at limit $1 for update skip locked) d
         where s.id = d.id
         returning s.id, s.kind, s.target, s.path, s.origin, s.parent_id, s.optional, s.etag, s.content_hash, s.state, s.entity_count,
                   s.problem_count, s.registered_by, s.read_at, s.changed_at",
        limit
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(SourceRow::try_from)
    .collect()
}

/// Notes that sources were read and have not changed.
pub async fn touch(conn: &mut PgConnection, ids: &[Uuid], next: &[f64]) -> sqlx::Result<()> {
    sqlx::query!(
        "update catalog_source s set read_at = now(), due_at = now() + make_interval(secs => t.secs)
         from unnest($1::uuid[], $2::float8[]) as t(id, secs) where s.id = t.id",
        ids,
        next
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a reading came to, for the row of its source.
#[derive(Debug)]
pub struct SourceState {
    /// Which.
    pub id: Uuid,
    /// Tag of the version.
    pub etag: Option<String>,
    /// Hash of the content.
    pub hash: Option<String>,
    /// `good` or `failed`.
    pub state: &'static str,
    /// How many entities it holds now; `None` if what it held stays.
    pub entities: Option<i32>,
    /// What is wrong with it.
    pub problems: i32,
    /// Seconds until it is read again.
    pub next: f64,
}

/// Writes what readings came to.
pub async fn set_states(conn: &mut PgConnection, states: &[SourceState]) -> sqlx::Result<()> {
    sqlx::query!(
        "update catalog_source s set etag = t.etag, content_hash = coalesce(t.hash, s.content_hash), state = t.state,
                entity_count = coalesce(t.entities, s.entity_count), problem_count = t.problems, read_at = now(), changed_at = now(),
                due_at = now() + make_interval(secs => t.secs)
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::float8[])
              as t(id, etag, hash, state, entities, problems, secs)
         where s.id = t.id",
        &states.iter().map(|s| s.id).collect::<Vec<_>>(),
        &states.iter().map(|s| s.etag.clone()).collect::<Vec<_>>() as &[Option<String>],
        &states.iter().map(|s| s.hash.clone()).collect::<Vec<_>>() as &[Option<String>],
        &states.iter().map(|s| s.state.to_owned()).collect::<Vec<_>>(),
        &states.iter().map(|s| s.entities).collect::<Vec<_>>() as &[Option<i32>],
        &states.iter().map(|s| s.problems).collect::<Vec<_>>(),
        &states.iter().map(|s| s.next).collect::<Vec<_>>()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An entity to be written.
#[derive(Debug, Clone)]
pub struct NewEntity {
    /// Where it comes from.
    pub source: Uuid,
    /// Canonical reference.
    pub entity_ref: String,
    /// Lower case.
    pub kind: String,
    /// As written.
    pub namespace: String,
    /// As written.
    pub name: String,
    /// Title.
    pub title: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// Type.
    pub r#type: Option<String>,
    /// Lifecycle.
    pub lifecycle: Option<String>,
    /// Canonical.
    pub owner_ref: Option<String>,
    /// Canonical.
    pub system_ref: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Whole.
    pub body: Value,
    /// Of the whole.
    pub etag: String,
    /// First line of its document.
    pub line: i32,
    /// Who may see it.
    pub visible_to: Option<Vec<String>>,
}

/// Who defines which of these entities now.
pub async fn owners_of(conn: &mut PgConnection, refs: &[String]) -> sqlx::Result<Vec<(String, Uuid, String)>> {
    let rows = sqlx::query!(
        "select e.ref, e.source_id, s.target || case when s.path = '' then '' else ', ' || s.path end as \"target!\"
         from catalog_entity e join catalog_source s on s.id = e.source_id where e.ref = any($1)",
        refs
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.r#ref, r.source_id, r.target)).collect())
}

/// Removes the entities of sources that are not among these references; tells how many went.
pub async fn keep_entities(conn: &mut PgConnection, sources: &[Uuid], refs: &[String]) -> sqlx::Result<u64> {
    let done =
        sqlx::query!("delete from catalog_entity where source_id = any($1) and not ref = any($2)", sources, refs)
            .execute(conn)
            .await?;
    Ok(done.rows_affected())
}

/// Writes entities; those whose etag and place are as before stay untouched. Gives back the
/// references and keys of those that are new or changed.
pub async fn put_entities(conn: &mut PgConnection, entities: &[NewEntity]) -> sqlx::Result<Vec<(String, Uuid)>> {
    // Lists of lists do not fit arrays of arrays of different length, so these travel as JSON.
    let tags: Vec<Value> = entities.iter().map(|e| serde_json::json!(e.tags)).collect();
    let visible: Vec<Option<Value>> =
        entities.iter().map(|e| e.visible_to.as_ref().map(|v| serde_json::json!(v))).collect();
    let text = |get: fn(&NewEntity) -> String| entities.iter().map(get).collect::<Vec<_>>();
    let option = |get: fn(&NewEntity) -> Option<String>| entities.iter().map(get).collect::<Vec<_>>();
    let rows = sqlx::query!(
        "insert into catalog_entity as e (id, source_id, ref, kind, namespace, name, title, description, type, lifecycle, owner_ref,
                                          system_ref, tags, body, etag, line, visible_to)
         select t.id, t.source, t.ref, t.kind, t.namespace, t.name, t.title, t.description, t.type, t.lifecycle, t.owner_ref, t.system_ref,
                array(select jsonb_array_elements_text(t.tags)), t.body, t.etag, t.line,
                case when t.visible is not null then array(select jsonb_array_elements_text(t.visible)) end
         from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                     $11::text[], $12::text[], $13::jsonb[], $14::json[], $15::text[], $16::int[], $17::jsonb[])
              as t(id, source, ref, kind, namespace, name, title, description, type, lifecycle, owner_ref, system_ref, tags, body, etag, line, visible)
         on conflict (ref) do update set source_id = excluded.source_id, kind = excluded.kind, namespace = excluded.namespace,
             name = excluded.name, title = excluded.title, description = excluded.description, type = excluded.type,
             lifecycle = excluded.lifecycle, owner_ref = excluded.owner_ref, system_ref = excluded.system_ref, tags = excluded.tags,
             body = excluded.body, etag = excluded.etag, line = excluded.line, visible_to = excluded.visible_to, updated_at = now()
         where (e.source_id, e.etag, e.line) is distinct from (excluded.source_id, excluded.etag, excluded.line)
            or e.visible_to is distinct from excluded.visible_to
         returning ref, id",
        &entities.iter().map(|_| Uuid::now_v7()).collect::<Vec<_>>(),
        &entities.iter().map(|e| e.source).collect::<Vec<_>>(),
        &text(|e| e.entity_ref.clone()),
        &text(|e| e.kind.clone()),
        &text(|e| e.namespace.clone()),
        &text(|e| e.name.clone()),
        &option(|e| e.title.clone()) as &[Option<String>],
        &option(|e| e.description.clone()) as &[Option<String>],
        &option(|e| e.r#type.clone()) as &[Option<String>],
        &option(|e| e.lifecycle.clone()) as &[Option<String>],
        &option(|e| e.owner_ref.clone()) as &[Option<String>],
        &option(|e| e.system_ref.clone()) as &[Option<String>],
        &tags,
        &entities.iter().map(|e| e.body.clone()).collect::<Vec<_>>(),
        &text(|e| e.etag.clone()),
        &entities.iter().map(|e| e.line).collect::<Vec<_>>(),
        &visible as &[Option<Value>]
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.r#ref, r.id)).collect())
}

/// A relation to be written.
#[derive(Debug, Clone)]
pub struct NewRelation {
    /// Entity whose file states it.
    pub originator: Uuid,
    /// Canonical.
    pub from: String,
    /// Name.
    pub kind: String,
    /// Canonical.
    pub to: String,
    /// Where it stands.
    pub at: Option<(i32, i32)>,
}

/// Replaces the relations that entities state.
pub async fn put_relations(
    conn: &mut PgConnection,
    originators: &[Uuid],
    relations: &[NewRelation],
) -> sqlx::Result<()> {
    sqlx::query!("delete from catalog_relation where originator_id = any($1)", originators).execute(&mut *conn).await?;
    sqlx::query!(
        "insert into catalog_relation (originator_id, from_ref, kind, to_ref, line, col)
         select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[]) on conflict do nothing",
        &relations.iter().map(|r| r.originator).collect::<Vec<_>>(),
        &relations.iter().map(|r| r.from.clone()).collect::<Vec<_>>(),
        &relations.iter().map(|r| r.kind.clone()).collect::<Vec<_>>(),
        &relations.iter().map(|r| r.to.clone()).collect::<Vec<_>>(),
        &relations.iter().map(|r| r.at.map(|a| a.0)).collect::<Vec<_>>() as &[Option<i32>],
        &relations.iter().map(|r| r.at.map(|a| a.1)).collect::<Vec<_>>() as &[Option<i32>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A problem to be written.
#[derive(Debug, Clone)]
pub struct NewProblem {
    /// Where it was found.
    pub source: Uuid,
    /// The entity concerned.
    pub entity_ref: Option<String>,
    /// Who is to mend it.
    pub owner_ref: Option<String>,
    /// `error` or `warning`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// File or address.
    pub file: String,
    /// Line and column, from one.
    pub at: Option<(i32, i32)>,
}

/// Replaces the problems of sources. One that stays keeps the moment since when it is there.
pub async fn put_problems(conn: &mut PgConnection, sources: &[Uuid], problems: &[NewProblem]) -> sqlx::Result<()> {
    let since: Vec<(Uuid, String, DateTime<Utc>)> =
        sqlx::query!("select source_id, message, since from catalog_problem where source_id = any($1)", sources)
            .fetch_all(&mut *conn)
            .await?
            .into_iter()
            .map(|r| (r.source_id, r.message, r.since))
            .collect();
    sqlx::query!("delete from catalog_problem where source_id = any($1)", sources).execute(&mut *conn).await?;
    let known = |p: &NewProblem| since.iter().find(|(s, m, _)| *s == p.source && *m == p.message).map(|(.., at)| *at);
    sqlx::query!(
        "insert into catalog_problem (id, source_id, entity_ref, owner_ref, severity, message, hint, file, line, col, since)
         select gen_random_uuid(), t.source, t.entity, t.owner, t.severity, t.message, t.hint, t.file, t.line, t.col, coalesce(t.since, now())
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[], $9::int[], $10::timestamptz[])
              as t(source, entity, owner, severity, message, hint, file, line, col, since)",
        &problems.iter().map(|p| p.source).collect::<Vec<_>>(),
        &problems.iter().map(|p| p.entity_ref.clone()).collect::<Vec<_>>() as &[Option<String>],
        &problems.iter().map(|p| p.owner_ref.clone()).collect::<Vec<_>>() as &[Option<String>],
        &problems.iter().map(|p| p.severity.to_owned()).collect::<Vec<_>>(),
        &problems.iter().map(|p| p.message.clone()).collect::<Vec<_>>(),
        &problems.iter().map(|p| p.hint.clone()).collect::<Vec<_>>() as &[Option<String>],
        &problems.iter().map(|p| p.file.clone()).collect::<Vec<_>>(),
        &problems.iter().map(|p| p.at.map(|a| a.0)).collect::<Vec<_>>() as &[Option<i32>],
        &problems.iter().map(|p| p.at.map(|a| a.1)).collect::<Vec<_>>() as &[Option<i32>],
        &problems.iter().map(known).collect::<Vec<_>>() as &[Option<DateTime<Utc>>]
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Raises the generation and tells all processes.
pub async fn raise_generation(conn: &mut PgConnection) -> sqlx::Result<i64> {
    let number = sqlx::query_scalar!("update catalog_generation set number = number + 1 returning number")
        .fetch_one(&mut *conn)
        .await?;
    sqlx::query!("select pg_notify('slipway_catalog', $1::text)", number.to_string()).fetch_one(conn).await?;
    Ok(number)
}
