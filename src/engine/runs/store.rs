//! Every statement on the `runs_*` tables.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::state::{EffectState, Purpose, RunState, StepState};

/// A run.
#[derive(Debug, Clone)]
pub struct RunRow {
    /// Key.
    pub id: Uuid,
    /// The request that it carries out, if any.
    pub request_id: Option<Uuid>,
    /// `feature.verb`.
    pub kind: String,
    /// Why it runs.
    pub purpose: Purpose,
    /// For people.
    pub title: String,
    /// `<feature>:<id>`.
    pub subject_ref: String,
    /// What it works on. Never a secret.
    pub input: Value,
    /// Sealed, opened in the worker's memory only.
    pub secrets: Option<Vec<u8>>,
    /// Where it is.
    pub state: RunState,
    /// Raised by every claim.
    pub fence: i64,
    /// What it waits for.
    pub parked_on: Option<Value>,
    /// When it goes on by itself.
    pub resume_at: Option<DateTime<Utc>>,
    /// When somebody asked to cancel.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Raised by each retry.
    pub attempt: i32,
    /// How it came out, in a few words.
    pub outcome: Option<String>,
    /// `user:<login>` or `system`.
    pub started_by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A step.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// Order.
    pub position: i32,
    /// Name within the run.
    pub key: String,
    /// For people.
    pub title: String,
    /// What is done, for the kind of run.
    pub action: String,
    /// Where it is.
    pub state: StepState,
    /// How many times it was begun since the run was last (re)started.
    pub attempt: i32,
    /// What later steps get.
    pub output: Option<Value>,
    /// One short line.
    pub detail: Option<String>,
    /// Words for the person.
    pub error: Option<String>,
    /// When it was begun.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

/// An outside effect.
#[derive(Debug, Clone)]
pub struct EffectRow {
    /// Key; in the order of being intended.
    pub id: Uuid,
    /// The run that made it.
    pub run_id: Uuid,
    /// The step.
    pub step_key: String,
    /// Name within the run.
    pub key: String,
    /// Kind, in the registry.
    pub kind: String,
    /// What people call the thing.
    pub name: String,
    /// All that is needed to look for it and to undo it.
    pub intent: Value,
    /// What identifies it outside, once made.
    pub external: Option<Value>,
    /// Where it is.
    pub state: EffectState,
    /// Why, where that needs saying.
    pub note: Option<String>,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct LogRow {
    /// Order within the run.
    pub seq: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// During which step.
    pub step_key: Option<String>,
    /// `out` or `err`.
    pub stream: String,
    /// The line, redacted.
    pub line: String,
}

struct RawRun {
    id: Uuid,
    request_id: Option<Uuid>,
    kind: String,
    purpose: String,
    title: String,
    subject_ref: String,
    input: Value,
    secrets: Option<Vec<u8>>,
    state: String,
    fence: i64,
    parked_on: Option<Value>,
    resume_at: Option<DateTime<Utc>>,
    cancel_requested_at: Option<DateTime<Utc>>,
    attempt: i32,
    outcome: Option<String>,
    started_by: String,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<RawRun> for RunRow {
    type Error = sqlx::Error;

    fn try_from(raw: RawRun) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: raw.id,
            request_id: raw.request_id,
            kind: raw.kind,
            purpose: raw.purpose.parse()?,
            title: raw.title,
            subject_ref: raw.subject_ref,
            input: raw.input,
            secrets: raw.secrets,
            state: raw.state.parse()?,
            fence: raw.fence,
            parked_on: raw.parked_on,
            resume_at: raw.resume_at,
            cancel_requested_at: raw.cancel_requested_at,
            attempt: raw.attempt,
            outcome: raw.outcome,
            started_by: raw.started_by,
            created_at: raw.created_at,
            started_at: raw.started_at,
            ended_at: raw.ended_at,
        })
    }
}

/// A run to be.
#[derive(Debug)]
pub struct InsertRun<'a> {
    /// Key.
    pub id: Uuid,
    /// The request that it carries out.
    pub request_id: Option<Uuid>,
    /// `feature.verb`.
    pub kind: &'a str,
    /// Why.
    pub purpose: Purpose,
    /// For people.
    pub title: &'a str,
    /// `<feature>:<id>`.
    pub subject_ref: &'a str,
    /// What it works on.
    pub input: &'a Value,
    /// Sealed.
    pub secrets: Option<&'a [u8]>,
    /// Who.
    pub started_by: &'a str,
    /// Who may see it.
    pub visible_to: Option<&'a [String]>,
}

/// Inserts a run.
pub async fn insert(conn: &mut PgConnection, run: &InsertRun<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into runs_run (id, request_id, kind, purpose, title, subject_ref, input, secrets, state, started_by, visible_to)
         values ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10)",
        run.id,
        run.request_id,
        run.kind,
        run.purpose.as_str(),
        run.title,
        run.subject_ref,
        run.input,
        run.secrets,
        run.started_by,
        run.visible_to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts the steps of a run, in order.
pub async fn insert_steps(
    conn: &mut PgConnection,
    run: Uuid,
    keys: &[String],
    titles: &[String],
    actions: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into runs_step (run_id, position, key, title, action, state)
         select $1, (s.n - 1)::int, s.key, s.title, s.action, 'pending'
         from unnest($2::text[], $3::text[], $4::text[]) with ordinality as s (key, title, action, n)",
        run,
        keys,
        titles,
        actions
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A run, if its claims let the reader see it. Workers pass no claims.
pub async fn run(conn: &mut PgConnection, id: Uuid, claims: Option<&[String]>) -> sqlx::Result<Option<RunRow>> {
    sqlx::query_as!(
        RawRun,
        "select id, request_id, kind, purpose, title, subject_ref, input, secrets, state, fence, parked_on, resume_at,
                cancel_requested_at, attempt, outcome, started_by, created_at, started_at, ended_at
         from runs_run where id = $1 and ($2::text[] is null or access_sees(visible_to, $2))",
        id,
        claims
    )
    .fetch_optional(conn)
    .await?
    .map(RunRow::try_from)
    .transpose()
}

/// Locks a run for a change of state.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<RunRow>> {
    sqlx::query_as!(
        RawRun,
        "select id, request_id, kind, purpose, title, subject_ref, input, secrets, state, fence, parked_on, resume_at,
                cancel_requested_at, attempt, outcome, started_by, created_at, started_at, ended_at
         from runs_run where id = $1 for update",
        id
    )
    .fetch_optional(conn)
    .await?
    .map(RunRow::try_from)
    .transpose()
}

/// Claims a run for a worker: raises its fence. `None` if there is nothing to do for it.
pub async fn claim(conn: &mut PgConnection, id: Uuid, worker: &str) -> sqlx::Result<Option<RunRow>> {
    sqlx::query_as!(
        RawRun,
        "update runs_run set fence = fence + 1, worker = $2, started_at = coalesce(started_at, now()),
                state = case when state in ('queued', 'parked') then 'running' else state end,
                parked_on = null, resume_at = null
         where id = $1 and (state in ('queued', 'running', 'cancelling', 'rolling_back')
                            or (state = 'parked' and (resume_at <= now() or cancel_requested_at is not null)))
         returning id, request_id, kind, purpose, title, subject_ref, input, secrets, state, fence, parked_on, resume_at,
                cancel_requested_at, attempt, outcome, started_by, created_at, started_at, ended_at",
        id,
        worker
    )
    .fetch_optional(conn)
    .await?
    .map(RunRow::try_from)
    .transpose()
}

/// Whether a worker still holds a run; keeps others from claiming it until the transaction ends.
pub async fn hold(conn: &mut PgConnection, id: Uuid, fence: i64) -> sqlx::Result<bool> {
    let held = sqlx::query_scalar!("select id from runs_run where id = $1 and fence = $2 for update", id, fence)
        .fetch_optional(conn)
        .await?;
    Ok(held.is_some())
}

/// Whether somebody asked to cancel.
pub async fn cancel_requested(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<bool> {
    let asked =
        sqlx::query_scalar!(r#"select cancel_requested_at is not null as "asked!" from runs_run where id = $1"#, id)
            .fetch_optional(conn)
            .await?;
    Ok(asked.unwrap_or(false))
}

/// Notes that somebody asks to cancel.
pub async fn request_cancel(conn: &mut PgConnection, id: Uuid, by: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_run set cancel_requested_at = coalesce(cancel_requested_at, now()), cancel_requested_by = coalesce(cancel_requested_by, $2)
         where id = $1",
        id,
        by
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Moves a run to a state that is not its last.
pub async fn set_state(conn: &mut PgConnection, id: Uuid, state: RunState) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_run set state = $2, parked_on = null, resume_at = null, ended_at = null where id = $1",
        id,
        state.as_str()
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a run.
pub async fn end(conn: &mut PgConnection, id: Uuid, state: RunState, outcome: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_run set state = $2, outcome = $3, ended_at = now(), parked_on = null, resume_at = null, worker = null where id = $1",
        id,
        state.as_str(),
        outcome
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Destroys the sealed secrets of a run.
pub async fn destroy_secrets(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update runs_run set secrets = null where id = $1", id).execute(conn).await?;
    Ok(())
}

/// Destroys the sealed secrets of runs that ended longer ago than this; how many there were. Nothing
/// is left of them but that there were some: a retry must not go on as if there had been none.
pub async fn destroy_old_secrets(conn: &mut PgConnection, age: TimeDelta) -> sqlx::Result<u64> {
    let seconds = age.num_seconds() as f64;
    let done = sqlx::query!(
        "update runs_run set secrets = ''::bytea
         where secrets <> ''::bytea and ended_at < now() - make_interval(secs => $1)",
        seconds
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}

/// Parks a run.
pub async fn park(conn: &mut PgConnection, id: Uuid, on: &Value, resume_at: Option<DateTime<Utc>>) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_run set state = 'parked', parked_on = $2, resume_at = $3, worker = null where id = $1",
        id,
        on,
        resume_at
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A moment from now, by the database's clock.
pub async fn in_seconds(conn: &mut PgConnection, seconds: f64) -> sqlx::Result<DateTime<Utc>> {
    sqlx::query_scalar!(r#"select now() + make_interval(secs => $1) as "at!""#, seconds).fetch_one(conn).await
}

/// Runs that wait for a key.
pub async fn parked_on(conn: &mut PgConnection, key: &str) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!("select id from runs_run where state = 'parked' and parked_on ->> 'key' = $1 for update", key)
        .fetch_all(conn)
        .await
}

/// Prepares a failed run for another attempt: the failed step, and it alone, is pending again.
pub async fn prepare_retry(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_run set state = 'queued', attempt = attempt + 1, outcome = null, ended_at = null,
                cancel_requested_at = null, cancel_requested_by = null where id = $1",
        id
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "update runs_step set state = 'pending', attempt = 0, error = null, ended_at = null
         where run_id = $1 and state in ('failed', 'running')",
        id
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The steps of a run, in order.
pub async fn steps(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Vec<StepRow>> {
    let rows = sqlx::query!(
        "select position, key, title, action, state, attempt, output, detail, error, started_at, ended_at
         from runs_step where run_id = $1 order by position",
        run
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(StepRow {
                position: r.position,
                key: r.key,
                title: r.title,
                action: r.action,
                state: r.state.parse()?,
                attempt: r.attempt,
                output: r.output,
                detail: r.detail,
                error: r.error,
                started_at: r.started_at,
                ended_at: r.ended_at,
            })
        })
        .collect()
}

/// Begins a step.
pub async fn begin_step(conn: &mut PgConnection, run: Uuid, position: i32) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_step set state = 'running', attempt = attempt + 1, started_at = coalesce(started_at, now()), error = null
         where run_id = $1 and position = $2",
        run,
        position
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Ends a step.
pub async fn end_step(
    conn: &mut PgConnection,
    run: Uuid,
    position: i32,
    state: StepState,
    output: Option<&Value>,
    detail: Option<&str>,
    error: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_step set state = $3, output = coalesce($4, output), detail = coalesce($5, detail), error = $6, ended_at = now()
         where run_id = $1 and position = $2",
        run,
        position,
        state.as_str(),
        output,
        detail,
        error
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Puts a step back to wait, with the reason why.
pub async fn put_back_step(
    conn: &mut PgConnection,
    run: Uuid,
    position: i32,
    detail: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_step set state = 'pending', detail = coalesce($3, detail) where run_id = $1 and position = $2",
        run,
        position,
        detail
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Marks steps whose effects were undone.
pub async fn undo_steps(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_step set state = 'undone' where run_id = $1 and state in ('done', 'running')
         and exists (select 1 from runs_effect e where e.run_id = $1 and e.step_key = runs_step.key and e.state in ('undone', 'leftover'))",
        run
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!("update runs_step set state = 'skipped', ended_at = now() where run_id = $1 and state in ('pending', 'running')", run)
        .execute(conn)
        .await?;
    Ok(())
}

struct RawEffect {
    id: Uuid,
    run_id: Uuid,
    step_key: String,
    key: String,
    kind: String,
    name: String,
    intent: Value,
    external: Option<Value>,
    state: String,
    note: Option<String>,
}

impl TryFrom<RawEffect> for EffectRow {
    type Error = sqlx::Error;

    fn try_from(raw: RawEffect) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: raw.id,
            run_id: raw.run_id,
            step_key: raw.step_key,
            key: raw.key,
            kind: raw.kind,
            name: raw.name,
            intent: raw.intent,
            external: raw.external,
            state: raw.state.parse()?,
            note: raw.note,
        })
    }
}

/// The effects of a run, in the order of being intended.
pub async fn effects(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<Vec<EffectRow>> {
    sqlx::query_as!(
        RawEffect,
        "select id, run_id, step_key, key, kind, name, intent, external, state, note from runs_effect where run_id = $1 order by id",
        run
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(EffectRow::try_from)
    .collect()
}

/// One effect of a run.
pub async fn effect(conn: &mut PgConnection, run: Uuid, key: &str) -> sqlx::Result<Option<EffectRow>> {
    sqlx::query_as!(
        RawEffect,
        "select id, run_id, step_key, key, kind, name, intent, external, state, note from runs_effect where run_id = $1 and key = $2",
        run,
        key
    )
    .fetch_optional(conn)
    .await?
    .map(EffectRow::try_from)
    .transpose()
}

/// Writes down an intent, anew or again after it was found absent.
pub async fn intend(conn: &mut PgConnection, effect: &EffectRow) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into runs_effect (id, run_id, step_key, key, kind, name, intent, state)
         values ($1, $2, $3, $4, $5, $6, $7, 'intended')
         on conflict (run_id, key) do update set state = 'intended', intent = excluded.intent, name = excluded.name,
             note = null, settled_at = null",
        effect.id,
        effect.run_id,
        effect.step_key,
        effect.key,
        effect.kind,
        effect.name,
        effect.intent
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes down what became of an effect.
pub async fn settle(
    conn: &mut PgConnection,
    id: Uuid,
    state: EffectState,
    external: Option<&Value>,
    note: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update runs_effect set state = $2, external = coalesce($3, external), note = $4, settled_at = now(), checked_at = now() where id = $1",
        id,
        state.as_str(),
        external,
        note
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Leftovers of ended runs, those not looked at for longest first.
pub async fn leftovers(conn: &mut PgConnection, limit: i64) -> sqlx::Result<Vec<EffectRow>> {
    sqlx::query_as!(
        RawEffect,
        "select e.id, e.run_id, e.step_key, e.key, e.kind, e.name, e.intent, e.external, e.state, e.note
         from runs_effect e join runs_run r on r.id = e.run_id
         where e.state = 'leftover' and r.state in ('cancelled', 'rolled_back') order by e.checked_at nulls first limit $1",
        limit
    )
    .fetch_all(conn)
    .await?
    .into_iter()
    .map(EffectRow::try_from)
    .collect()
}

/// Adds a line to the log and tells who follows it.
pub async fn append_log(
    conn: &mut PgConnection,
    run: Uuid,
    step: Option<&str>,
    stream: &str,
    line: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into runs_log (run_id, step_key, stream, line) values ($1, $2, $3, $4)",
        run,
        step,
        stream,
        line
    )
    .execute(&mut *conn)
    .await?;
    tell(conn, run).await
}

/// Lines of the log after a number, oldest first.
pub async fn log(conn: &mut PgConnection, run: Uuid, after: i64, limit: i64) -> sqlx::Result<Vec<LogRow>> {
    sqlx::query_as!(
        LogRow,
        "select seq, at, step_key, stream, line from runs_log where run_id = $1 and seq > $2 order by seq limit $3",
        run,
        after,
        limit
    )
    .fetch_all(conn)
    .await
}

/// The newest lines of the log, oldest first.
pub async fn log_tail(conn: &mut PgConnection, run: Uuid, limit: i64) -> sqlx::Result<Vec<LogRow>> {
    let mut rows = sqlx::query_as!(
        LogRow,
        "select seq, at, step_key, stream, line from runs_log where run_id = $1 order by seq desc limit $2",
        run,
        limit
    )
    .fetch_all(conn)
    .await?;
    rows.reverse();
    Ok(rows)
}

/// Tells all processes that a run changed.
pub async fn tell(conn: &mut PgConnection, run: Uuid) -> sqlx::Result<()> {
    sqlx::query!("select pg_notify('slipway_runs', $1::text)", run.to_string()).fetch_one(conn).await?;
    Ok(())
}

/// Runs that are due and that nothing in the queue will move: the safety net under the queue.
pub async fn stranded(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    // The queue's schema is unknown to the checked macros, so this one statement is unchecked.
    sqlx::query_scalar(
        "select r.id from runs_run r
         where (r.state in ('queued', 'running', 'cancelling', 'rolling_back')
                or (r.state = 'parked' and (r.resume_at < now() - interval '30 seconds' or r.cancel_requested_at is not null)))
           and not exists (select 1 from jobs._private_jobs j where j.key = 'run:' || r.id and j.attempts < j.max_attempts)
           and not exists (select 1 from jobs._private_jobs j join jobs._private_tasks t on t.id = j.task_id
                           where t.identifier = 'runs.execute' and j.payload ->> 'run' = r.id::text and j.locked_at is not null)
         limit 100",
    )
    .fetch_all(conn)
    .await
}

/// A run in a list.
#[derive(Debug, Clone)]
pub struct RunItem {
    /// Key.
    pub id: Uuid,
    /// For people.
    pub title: String,
    /// `feature.verb`.
    pub kind: String,
    /// Where it is.
    pub state: String,
    /// How it came out.
    pub outcome: Option<String>,
    /// Who.
    pub started_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Leftovers.
    pub leftovers: i64,
}

/// Runs before a moment, newest first, that the claims let the reader see; perhaps of one person or state.
pub async fn list(
    conn: &mut PgConnection,
    claims: &[String],
    by: Option<&str>,
    state: Option<&str>,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<RunItem>> {
    sqlx::query_as!(
        RunItem,
        r#"select r.id, r.title, r.kind, r.state, r.outcome, r.started_by, r.created_at, r.ended_at,
                  (select count(*) from runs_effect e where e.run_id = r.id and e.state = 'leftover') as "leftovers!"
           from runs_run r
           where access_sees(r.visible_to, $1) and ($2::text is null or r.started_by = $2) and ($3::text is null or r.state = $3)
             and ($4::uuid is null or r.id < $4)
           order by r.id desc limit $5"#,
        claims,
        by,
        state,
        before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How long runs of a kind usually take, in seconds: the median of the last fifty that succeeded.
pub async fn usual_seconds(conn: &mut PgConnection, kind: &str, subject: Option<&str>) -> sqlx::Result<Option<f64>> {
    sqlx::query_scalar!(
        "select percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)::float8)
         from (select started_at, ended_at from runs_run where kind = $1 and state = 'succeeded' and attempt = 1
               and ($2::text is null or input ->> 'template' = $2) order by id desc limit 50) r",
        kind,
        subject
    )
    .fetch_one(conn)
    .await
}

/// Counts by state, for metrics.
pub async fn counts(conn: &mut PgConnection) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(r#"select state, count(*) as "count!" from runs_run where not state in ('succeeded', 'cancelled', 'rolled_back') group by state"#)
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|r| (r.state, r.count)).collect())
}
