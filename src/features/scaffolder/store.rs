//! Every statement on the `scaffolder_*` tables.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Answers on their way.
#[derive(Debug, Clone)]
pub struct DraftRow {
    /// Key.
    pub id: Uuid,
    /// Canonical reference of the template.
    pub template_ref: String,
    /// The answers so far.
    pub answers: Value,
    /// Sealed for `scaffolder_draft/<id>`.
    pub secrets: Option<Vec<u8>>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}

/// A draft of a person.
pub async fn draft(conn: &mut PgConnection, id: Uuid, user: Uuid) -> sqlx::Result<Option<DraftRow>> {
    sqlx::query_as!(
        DraftRow,
        "select id, template_ref, answers, secrets, updated_at from scaffolder_draft where id = $1 and user_id = $2 and expires_at > now()",
        id,
        user
    )
    .fetch_optional(conn)
    .await
}

/// The drafts of a person, newest first.
pub async fn drafts(conn: &mut PgConnection, user: Uuid) -> sqlx::Result<Vec<DraftRow>> {
    sqlx::query_as!(
        DraftRow,
        "select id, template_ref, answers, secrets, updated_at from scaffolder_draft
         where user_id = $1 and expires_at > now() order by updated_at desc limit 20",
        user
    )
    .fetch_all(conn)
    .await
}

/// Writes a draft; it lives a day from now.
pub async fn put_draft(
    conn: &mut PgConnection,
    id: Uuid,
    user: Uuid,
    template_ref: &str,
    answers: &Value,
    secrets: Option<&[u8]>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into scaffolder_draft (id, user_id, template_ref, answers, secrets, expires_at) values ($1, $2, $3, $4, $5, now() + interval '1 day')
         on conflict (id) do update set answers = excluded.answers, secrets = excluded.secrets, updated_at = now(), expires_at = excluded.expires_at
         where scaffolder_draft.user_id = excluded.user_id",
        id,
        user,
        template_ref,
        answers,
        secrets
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes a draft and its secrets.
pub async fn delete_draft(conn: &mut PgConnection, id: Uuid, user: Uuid) -> sqlx::Result<()> {
    sqlx::query!("delete from scaffolder_draft where id = $1 and user_id = $2", id, user).execute(conn).await?;
    Ok(())
}

/// Removes drafts that are a day old; tells how many.
pub async fn delete_expired(conn: &mut PgConnection) -> sqlx::Result<u64> {
    Ok(sqlx::query!("delete from scaffolder_draft where expires_at < now()").execute(conn).await?.rows_affected())
}

/// The workspace of a run, as the last step left it.
pub async fn workspace(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!("select archive from scaffolder_workspace where run_id = $1", run).fetch_optional(conn).await
}

/// Keeps the workspace of a run.
pub async fn put_workspace(conn: &mut PgConnection, run: Uuid, archive: &[u8]) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into scaffolder_workspace (run_id, archive) values ($1, $2)
         on conflict (run_id) do update set archive = excluded.archive, updated_at = now()",
        run,
        archive
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes workspaces of runs that have ended and will not be retried; tells how many.
pub async fn delete_workspaces(conn: &mut PgConnection) -> sqlx::Result<u64> {
    let done = sqlx::query!(
        "delete from scaffolder_workspace w using runs_run r where r.id = w.run_id
         and (r.state in ('succeeded', 'cancelled', 'rolled_back') or (r.state = 'failed' and r.ended_at < now() - interval '7 days'))"
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// How runs of a template came out: all and those that succeeded.
pub async fn counts(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i64, i64, Option<f64>)>> {
    let rows = sqlx::query!(
        r#"select input ->> 'template' as "template!", count(*) as "all!", count(*) filter (where state = 'succeeded') as "good!",
                  percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)::float8)
                      filter (where state = 'succeeded' and attempt = 1) as median
           from runs_run where kind = 'scaffolder.create' and input ->> 'template' is not null and ended_at is not null group by 1"#
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|r| (r.template, r.all, r.good, r.median)).collect())
}

/// A run on an entity's page.
#[derive(Debug, Clone)]
pub struct RunLine {
    /// Key.
    pub id: Uuid,
    /// For people.
    pub title: String,
    /// Where it is.
    pub state: String,
    /// How it came out.
    pub outcome: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// The runs for a subject that the claims let the reader see, newest first.
pub async fn runs_of(conn: &mut PgConnection, subject_ref: &str, claims: &[String]) -> sqlx::Result<Vec<RunLine>> {
    sqlx::query_as!(
        RunLine,
        "select id, title, state, outcome, created_at from runs_run
         where subject_ref = $1 and access_sees(visible_to, $2) order by id desc limit 5",
        subject_ref,
        claims
    )
    .fetch_all(conn)
    .await
}
