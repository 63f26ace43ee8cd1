//! Every statement that reads `catalog_*`; those of ingestion are in `write.rs`.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::places::Target;

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceKind {
    /// On this machine; from configuration only.
    File,
    /// At an address.
    Url,
    /// In a repository of a code host.
    Repository,
}

impl SourceKind {
    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Url => "url",
            Self::Repository => "repository",
        }
    }
}

impl std::str::FromStr for SourceKind {
    type Err = sqlx::Error;

    fn from_str(text: &str) -> Result<Self, sqlx::Error> {
        match text {
            "file" => Ok(Self::File),
            "url" => Ok(Self::Url),
            "repository" => Ok(Self::Repository),
            other => Err(sqlx::Error::Decode(format!("unknown kind of source: {other}").into())),
        }
    }
}

/// A source.
#[derive(Debug, Clone)]
pub struct SourceRow {
    /// Key.
    pub id: Uuid,
    /// What is read.
    pub target: Target,
    /// Why it is read.
    pub origin: String,
    /// The source whose Location named it.
    pub parent_id: Option<Uuid>,
    /// Whether its absence is no problem.
    pub optional: bool,
    /// Tag of the version that was read last.
    pub etag: Option<String>,
    /// Hash of its content.
    pub content_hash: Option<String>,
    /// `waiting`, `good` or `failed`.
    pub state: String,
    /// Entities that it holds.
    pub entity_count: i32,
    /// What is wrong with it.
    pub problem_count: i32,
    /// Who registered it.
    pub registered_by: Option<String>,
    /// When it was read last.
    pub read_at: Option<DateTime<Utc>>,
    /// When it last changed something.
    pub changed_at: Option<DateTime<Utc>>,
}

/// The raw columns of a source; the `write` module claims with the same.
pub(super) struct RawSource {
    pub id: Uuid,
    pub kind: String,
    pub target: String,
    pub path: String,
    pub origin: String,
    pub parent_id: Option<Uuid>,
    pub optional: bool,
    pub etag: Option<String>,
    pub content_hash: Option<String>,
    pub state: String,
    pub entity_count: i32,
    pub problem_count: i32,
    pub registered_by: Option<String>,
    pub read_at: Option<DateTime<Utc>>,
    pub changed_at: Option<DateTime<Utc>>,
}

impl TryFrom<RawSource> for SourceRow {
    type Error = sqlx::Error;

    fn try_from(raw: RawSource) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: raw.id,
            target: Target { kind: raw.kind.parse()?, target: raw.target, path: raw.path },
            origin: raw.origin,
            parent_id: raw.parent_id,
            optional: raw.optional,
            etag: raw.etag,
            content_hash: raw.content_hash,
            state: raw.state,
            entity_count: raw.entity_count,
            problem_count: raw.problem_count,
            registered_by: raw.registered_by,
            read_at: raw.read_at,
            changed_at: raw.changed_at,
        })
    }
}

/// A source by key.
pub async fn source(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<SourceRow>> {
    sqlx::query_as!(
        RawSource,
        "select id, kind, target, path, origin, parent_id, optional, etag, content_hash, state, entity_count, problem_count,
                registered_by, read_at, changed_at from catalog_source where id = $1",
        id
    )
    .fetch_optional(conn)
    .await?
    .map(SourceRow::try_from)
    .transpose()
}

/// Sources, those with problems first, then by target.
pub async fn sources(conn: &mut PgConnection, failed_only: bool, limit: i64) -> sqlx::Result<Vec<SourceRow>> {
    sqlx::query_as!(
        RawSource,
        "select id, kind, target, path, origin, parent_id, optional, etag, content_hash, state, entity_count, problem_count,
                registered_by, read_at, changed_at from catalog_source
         where not $1 or state = 'failed' or problem_count > 0
         order by (problem_count > 0 or state = 'failed') desc, target, path limit $2",
        failed_only,
        limit
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(SourceRow::try_from)
    .collect()
}

/// How many sources there are, how many have been read, and when the last was.
#[derive(Debug, Clone)]
pub struct SourceSummary {
    /// All.
    pub all: i64,
    /// Not yet read.
    pub waiting: i64,
    /// When the last was read.
    pub read_at: Option<DateTime<Utc>>,
}

/// The sources in one line.
pub async fn source_summary(conn: &mut PgConnection) -> sqlx::Result<SourceSummary> {
    sqlx::query_as!(
        SourceSummary,
        r#"select count(*) as "all!", count(*) filter (where state = 'waiting') as "waiting!", max(read_at) as read_at from catalog_source"#
    )
    .fetch_one(conn)
    .await
}

/// Something wrong, where it stands.
#[derive(Debug, Clone)]
pub struct ProblemRow {
    /// The entity concerned.
    pub entity_ref: Option<String>,
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// File or address.
    pub file: String,
    /// From one.
    pub line: Option<i32>,
    /// From one.
    pub col: Option<i32>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Its source.
    pub source_id: Uuid,
}

/// What is wrong with a source.
pub async fn problems_of_source(conn: &mut PgConnection, source: Uuid) -> sqlx::Result<Vec<ProblemRow>> {
    sqlx::query_as!(
        ProblemRow,
        "select entity_ref, severity, message, hint, file, line, col, since, source_id from catalog_problem
         where source_id = $1 order by line nulls first, col limit 500",
        source
    )
    .fetch_all(conn)
    .await
}

/// What is wrong with an entity.
pub async fn problems_of_entity(conn: &mut PgConnection, entity_ref: &str) -> sqlx::Result<Vec<ProblemRow>> {
    sqlx::query_as!(
        ProblemRow,
        "select entity_ref, severity, message, hint, file, line, col, since, source_id from catalog_problem
         where entity_ref = $1 order by line nulls first, col limit 100",
        entity_ref
    )
    .fetch_all(conn)
    .await
}

/// All problems, newest first, of owners of the given teams or of all.
pub async fn problems(conn: &mut PgConnection, owners: Option<&[String]>, limit: i64) -> sqlx::Result<Vec<ProblemRow>> {
    sqlx::query_as!(
        ProblemRow,
        "select entity_ref, severity, message, hint, file, line, col, since, source_id from catalog_problem
         where $1::text[] is null or owner_ref = any($1) order by since desc, file, line limit $2",
        owners,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The generation.
pub async fn generation(conn: &mut PgConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select number from catalog_generation").fetch_one(conn).await
}

/// An entity.
#[derive(Debug, Clone)]
pub struct EntityRow {
    /// Key; the entity's uid.
    pub id: Uuid,
    /// Canonical reference.
    pub entity_ref: String,
    /// Lower case.
    pub kind: String,
    /// Title or name.
    pub name: String,
    /// One or a few sentences.
    pub description: Option<String>,
    /// `spec.type`
    pub r#type: Option<String>,
    /// `spec.lifecycle`
    pub lifecycle: Option<String>,
    /// Canonical.
    pub owner_ref: Option<String>,
    /// Canonical.
    pub system_ref: Option<String>,
    /// As stored.
    pub body: Value,
    /// Changes with any change.
    pub etag: String,
    /// Where it comes from.
    pub source_id: Uuid,
    /// First line of its document.
    pub line: i32,
    /// Last change.
    pub updated_at: DateTime<Utc>,
}

/// An entity by reference, if the claims let the reader see it.
pub async fn entity(
    conn: &mut PgConnection,
    entity_ref: &str,
    claims: Option<&[String]>,
) -> sqlx::Result<Option<EntityRow>> {
    sqlx::query_as!(
        EntityRow,
        r#"select id, ref as entity_ref, kind, coalesce(title, name) as "name!", description, type as "type", lifecycle, owner_ref,
                  system_ref, body, etag, source_id, line, updated_at
           from catalog_entity where ref = $1 and ($2::text[] is null or access_sees(visible_to, $2))"#,
        entity_ref,
        claims
    )
    .fetch_optional(conn)
    .await
}

/// Another entity that an entity relates to.
#[derive(Debug, Clone)]
pub struct RelatedRow {
    /// Name of the relation.
    pub kind: String,
    /// Canonical.
    pub to_ref: String,
    /// Its name, if it is in the catalog and the reader may see it.
    pub name: Option<String>,
    /// Its type.
    pub r#type: Option<String>,
    /// Whether it is in the catalog, seen or not.
    pub exists: bool,
    /// Where the reference stands, if this entity's file wrote it.
    pub line: Option<i32>,
    /// From one.
    pub col: Option<i32>,
}

/// The relations of an entity, ordered by name and target.
pub async fn relations(conn: &mut PgConnection, entity_ref: &str, claims: &[String]) -> sqlx::Result<Vec<RelatedRow>> {
    sqlx::query_as!(
        RelatedRow,
        r#"select r.kind, r.to_ref, max(case when access_sees(e.visible_to, $2) then coalesce(e.title, e.name) end) as name,
                  max(e.type) as "type", bool_or(e.id is not null) as "exists!",
                  max(r.line) filter (where o.ref = $1) as line, max(r.col) filter (where o.ref = $1) as col
           from catalog_relation r join catalog_entity o on o.id = r.originator_id left join catalog_entity e on e.ref = r.to_ref
           where r.from_ref = $1 group by r.kind, r.to_ref order by r.kind, r.to_ref limit 1000"#,
        entity_ref,
        claims
    )
    .fetch_all(conn)
    .await
}

/// Which entities a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Kind, lower case.
    pub kind: Option<String>,
    /// Type.
    pub r#type: Option<String>,
    /// Canonical reference of the owner.
    pub owner: Option<String>,
    /// Any of these owners.
    pub owners: Option<Vec<String>>,
    /// Without owner although its kind has one.
    pub unowned: bool,
    /// Lifecycle.
    pub lifecycle: Option<String>,
    /// All of these tags.
    pub tags: Vec<String>,
    /// Canonical reference of the system.
    pub system: Option<String>,
    /// Free text.
    pub text: Option<String>,
    /// With problems or dangling references.
    pub problems: bool,
}

/// An entity in a list.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Item {
    /// Key.
    pub id: Uuid,
    /// Canonical reference.
    pub entity_ref: String,
    /// Lower case.
    pub kind: String,
    /// Title or name.
    pub name: String,
    /// One or a few sentences.
    pub description: Option<String>,
    /// `spec.type`
    pub r#type: Option<String>,
    /// `spec.lifecycle`
    pub lifecycle: Option<String>,
    /// Canonical.
    pub owner_ref: Option<String>,
    /// Name of the owner, if it is in the catalog.
    pub owner_name: Option<String>,
    /// Order of the list.
    pub sort_name: String,
    /// As stored.
    pub tags: Vec<String>,
}

/// The place in a list: after or before a row.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Cursor {
    /// Of the row.
    pub name: String,
    /// Of the row.
    pub id: Uuid,
    /// Rows before it.
    pub offset: i64,
    /// Towards the start.
    pub back: bool,
}

/// A page of entities in the order of their names.
pub async fn list(
    conn: &mut PgConnection,
    claims: &[String],
    filter: &Filter,
    cursor: Option<&Cursor>,
    limit: i64,
) -> sqlx::Result<Vec<Item>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select e.id, e.ref as entity_ref, e.kind, coalesce(e.title, e.name) as name, e.description, e.type, e.lifecycle, e.owner_ref,
                coalesce(o.title, o.body #>> '{spec,profile,displayName}', o.name) as owner_name, e.sort_name, e.tags
         from catalog_entity e left join catalog_entity o on o.ref = e.owner_ref where ",
    );
    wheres(&mut query, claims, filter, Skip::Nothing);
    let back = cursor.is_some_and(|c| c.back);
    if let Some(cursor) = cursor {
        query.push(if back { " and (e.sort_name, e.id) < (" } else { " and (e.sort_name, e.id) > (" });
        query.push_bind(cursor.name.clone()).push(", ").push_bind(cursor.id).push(")");
    }
    query.push(if back {
        " order by e.sort_name desc, e.id desc limit "
    } else {
        " order by e.sort_name, e.id limit "
    });
    query.push_bind(limit);
    let mut rows: Vec<Item> = query.build_query_as().fetch_all(conn).await?;
    if back {
        rows.reverse();
    }
    Ok(rows)
}

/// How many entities a filter matches.
pub async fn count(conn: &mut PgConnection, claims: &[String], filter: &Filter) -> sqlx::Result<i64> {
    let mut query = QueryBuilder::<Postgres>::new("select count(*) from catalog_entity e where ");
    wheres(&mut query, claims, filter, Skip::Nothing);
    query.build_query_scalar().fetch_one(conn).await
}

/// A facet that a list offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facet {
    /// By kind.
    Kind,
    /// By type.
    Type,
    /// By owner.
    Owner,
    /// By lifecycle.
    Lifecycle,
    /// By tag.
    Tag,
}

/// A value of a facet and how many entities have it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many.
    pub count: i64,
}

/// The values of a facet, most frequent first, under all other conditions of the filter.
pub async fn facet(
    conn: &mut PgConnection,
    claims: &[String],
    filter: &Filter,
    facet: Facet,
    limit: i64,
) -> sqlx::Result<Vec<FacetCount>> {
    let (column, from) = match facet {
        Facet::Kind => ("e.kind", ""),
        Facet::Type => ("e.type", ""),
        Facet::Owner => ("e.owner_ref", ""),
        Facet::Lifecycle => ("e.lifecycle", ""),
        Facet::Tag => ("t.tag", ", unnest(e.tags) as t(tag)"),
    };
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(column).push(" as value, count(*) as count from catalog_entity e").push(from).push(" where ");
    wheres(&mut query, claims, filter, Skip::Facet(facet));
    query.push(" and ").push(column).push(" is not null group by 1 order by 2 desc, 1 limit ").push_bind(limit);
    query.build_query_as().fetch_all(conn).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Skip {
    Nothing,
    Facet(Facet),
}

/// The conditions of a filter, visibility first. A facet does not narrow itself, so that people can change their mind.
fn wheres(query: &mut QueryBuilder<Postgres>, claims: &[String], filter: &Filter, skip: Skip) {
    query.push("access_sees(e.visible_to, ").push_bind(claims.to_vec()).push(")");
    // Entities that only say where to read are no things of the organization.
    if filter.kind.is_none() {
        query.push(" and e.kind <> 'location'");
    }
    let mut equal = |facet: Facet, column: &str, value: &Option<String>| {
        if let Some(value) = value
            && skip != Skip::Facet(facet)
        {
            query.push(" and ").push(column).push(" = ").push_bind(value.clone());
        }
    };
    equal(Facet::Kind, "e.kind", &filter.kind);
    equal(Facet::Type, "e.type", &filter.r#type);
    equal(Facet::Owner, "e.owner_ref", &filter.owner);
    equal(Facet::Lifecycle, "e.lifecycle", &filter.lifecycle);
    if let Some(system) = &filter.system {
        query.push(" and e.system_ref = ").push_bind(system.clone());
    }
    if let Some(owners) = &filter.owners {
        query.push(" and e.owner_ref = any(").push_bind(owners.clone()).push(")");
    }
    if filter.unowned {
        query.push(" and e.owner_ref is null and e.kind in ('component', 'api', 'resource', 'system', 'domain')");
    }
    if !filter.tags.is_empty() && skip != Skip::Facet(Facet::Tag) {
        query.push(" and e.tags @> ").push_bind(filter.tags.clone());
    }
    if let Some(text) = &filter.text {
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        query.push(" and (e.search @@ websearch_to_tsquery('simple', ").push_bind(text.clone());
        query.push(") or e.sort_name like ").push_bind(format!("%{escaped}%")).push(")");
    }
    if filter.problems {
        query.push(
            " and (exists (select 1 from catalog_problem p where p.entity_ref = e.ref)
              or exists (select 1 from catalog_relation r where r.originator_id = e.id and r.from_ref = e.ref
                         and not exists (select 1 from catalog_entity x where x.ref = r.to_ref)))",
        );
    }
}

/// What a picker or a type-ahead offers.
#[derive(Debug, Clone)]
pub struct Pick {
    /// Canonical reference.
    pub entity_ref: String,
    /// Title or name.
    pub name: String,
    /// One or a few sentences.
    pub description: Option<String>,
}

/// Names of entities by reference, for showing references in words.
pub async fn names(conn: &mut PgConnection, refs: &[String], claims: &[String]) -> sqlx::Result<Vec<Pick>> {
    sqlx::query_as!(
        Pick,
        r#"select ref as entity_ref, coalesce(title, body #>> '{spec,profile,displayName}', name) as "name!", description
           from catalog_entity where ref = any($1) and access_sees(visible_to, $2)"#,
        refs,
        claims
    )
    .fetch_all(conn)
    .await
}

/// Which entities a picker offers.
#[derive(Debug, Clone, Default)]
pub struct PickFilter {
    /// An entity must meet all demands of one of these: a path into the entity, and the values that
    /// it may have (`None`: it is there).
    pub any_of: Vec<Vec<(String, Option<Vec<String>>)>>,
    /// Owned by one of these.
    pub owned_by: Option<Vec<String>>,
    /// One of these.
    pub only: Option<Vec<String>>,
    /// Free text.
    pub text: String,
}

/// Entities for a picker, in the order of their names.
pub async fn picks(
    conn: &mut PgConnection,
    claims: &[String],
    filter: &PickFilter,
    limit: i64,
) -> sqlx::Result<Vec<Pick>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select e.ref, coalesce(e.title, e.body #>> '{spec,profile,displayName}', e.name), e.description from catalog_entity e where ",
    );
    let conditions = Filter { text: Some(filter.text.clone()).filter(|t| !t.is_empty()), ..Filter::default() };
    wheres(&mut query, claims, &conditions, Skip::Nothing);
    if let Some(owners) = &filter.owned_by {
        query.push(" and e.owner_ref = any(").push_bind(owners.clone()).push(")");
    }
    if let Some(only) = &filter.only {
        query.push(" and e.ref = any(").push_bind(only.clone()).push(")");
    }
    if !filter.any_of.is_empty() {
        query.push(" and (false");
        for all in &filter.any_of {
            query.push(" or (true");
            for (path, values) in all {
                let keys: Vec<String> = path.split('.').map(str::to_owned).collect();
                match values {
                    Some(values) => {
                        let lower: Vec<String> = values.iter().map(|v| v.to_lowercase()).collect();
                        query
                            .push(" and lower(e.body #>> ")
                            .push_bind(keys)
                            .push(") = any(")
                            .push_bind(lower)
                            .push(")");
                    }
                    None => {
                        query.push(" and e.body #> ").push_bind(keys).push(" is not null");
                    }
                }
            }
            query.push(")");
        }
        query.push(")");
    }
    query.push(" order by e.sort_name, e.id limit ").push_bind(limit);
    let rows: Vec<(String, String, Option<String>)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows.into_iter().map(|(entity_ref, name, description)| Pick { entity_ref, name, description }).collect())
}

/// Tags in use, by text, most frequent first.
pub async fn tags(conn: &mut PgConnection, claims: &[String], text: &str, limit: i64) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select t.tag as "tag!" from catalog_entity e, unnest(e.tags) as t(tag)
           where access_sees(e.visible_to, $1) and t.tag like '%' || $2 || '%' group by 1 order by count(*) desc, 1 limit $3"#,
        claims,
        text.to_lowercase(),
        limit
    )
    .fetch_all(conn)
    .await
}

/// Full entities of a kind, for features that work with them; those that the claims let the reader see.
pub async fn of_kind(conn: &mut PgConnection, kind: &str, claims: &[String]) -> sqlx::Result<Vec<EntityRow>> {
    sqlx::query_as!(
        EntityRow,
        r#"select id, ref as entity_ref, kind, coalesce(title, name) as "name!", description, type as "type", lifecycle, owner_ref,
                  system_ref, body, etag, source_id, line, updated_at
           from catalog_entity where kind = $1 and access_sees(visible_to, $2) order by sort_name limit 1000"#,
        kind,
        claims
    )
    .fetch_all(conn)
    .await
}

/// The source of a target, if it is known.
pub async fn source_of(conn: &mut PgConnection, target: &Target) -> sqlx::Result<Option<(Uuid, String)>> {
    let row = sqlx::query!(
        "select id, origin from catalog_source where kind = $1 and target = $2 and path = $3",
        target.kind.as_str(),
        target.target,
        target.path
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|r| (r.id, r.origin)))
}

/// References of the entities of a source, components first.
pub async fn refs_of_source(conn: &mut PgConnection, source: Uuid) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "select ref from catalog_entity where source_id = $1 order by kind <> 'component', line, ref limit 1000",
        source
    )
    .fetch_all(conn)
    .await
}
