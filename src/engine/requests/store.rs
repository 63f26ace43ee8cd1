//! Every statement on the `requests_*` tables.

use bigdecimal::BigDecimal;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// Asked; its plan is being made.
    Submitted,
    /// Its plan is known; policy is being asked.
    Planned,
    /// People must agree.
    AwaitingApproval,
    /// Agreed; its run is about to start.
    Approved,
    /// Policy or people said no.
    Denied,
    /// Nobody answered in time.
    Expired,
    /// The asker took it back.
    Withdrawn,
    /// Its run runs.
    Running,
    /// Its run succeeded.
    Fulfilled,
    /// Its run failed.
    Failed,
    /// Its run was cancelled or rolled back.
    Cancelled,
}

impl RequestState {
    /// All states.
    pub const ALL: [Self; 11] = [
        Self::Submitted,
        Self::Planned,
        Self::AwaitingApproval,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
        Self::Running,
        Self::Fulfilled,
        Self::Failed,
        Self::Cancelled,
    ];

    /// As stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Planned => "planned",
            Self::AwaitingApproval => "awaiting_approval",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Running => "running",
            Self::Fulfilled => "fulfilled",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::AwaitingApproval => "waiting for an answer",
            other => other.as_str(),
        }
    }

    /// Whether a request may go from this state to that.
    pub fn may_become(self, next: Self) -> bool {
        use RequestState::{
            Approved, AwaitingApproval, Cancelled, Denied, Expired, Failed, Fulfilled, Planned, Running, Submitted,
            Withdrawn,
        };
        match self {
            Submitted => matches!(next, Planned | Failed | Withdrawn),
            Planned => matches!(next, AwaitingApproval | Approved | Denied),
            AwaitingApproval => matches!(next, Approved | Denied | Expired | Withdrawn),
            Approved => matches!(next, Running | Failed),
            Running => matches!(next, Fulfilled | Failed | Cancelled),
            // A failed run may be retried or rolled back, a finished one rolled back.
            Failed => matches!(next, Running | Cancelled),
            Fulfilled => matches!(next, Cancelled),
            Denied | Expired | Withdrawn | Cancelled => false,
        }
    }
}

impl std::str::FromStr for RequestState {
    type Err = sqlx::Error;

    fn from_str(text: &str) -> Result<Self, sqlx::Error> {
        Self::ALL
            .into_iter()
            .find(|s| s.as_str() == text)
            .ok_or_else(|| sqlx::Error::Decode(format!("unknown request state: {text}").into()))
    }
}

/// A request.
#[derive(Debug, Clone)]
pub struct RequestRow {
    /// Key.
    pub id: Uuid,
    /// `feature.verb`.
    pub kind: String,
    /// For people.
    pub title: String,
    /// `user:<login>`.
    pub subject: String,
    /// For whom, if a token or an agent asks.
    pub on_behalf_of: Option<String>,
    /// Whose.
    pub user_id: Option<Uuid>,
    /// The team that it is for.
    pub team: Option<String>,
    /// What it concerns in the catalog.
    pub resource: Option<String>,
    /// What exactly. Never a secret.
    pub params: Value,
    /// Sealed for `requests_request/<id>`.
    pub secrets: Option<Vec<u8>>,
    /// Why.
    pub reason: Option<String>,
    /// What would happen.
    pub plan: Option<Value>,
    /// Canonical hash of the plan.
    pub plan_hash: Option<String>,
    /// A month.
    pub estimate: Option<BigDecimal>,
    /// Of the estimate.
    pub currency: Option<String>,
    /// What policy said.
    pub decision_id: Option<Uuid>,
    /// Where it is.
    pub state: RequestState,
    /// How it came out, in a few words.
    pub outcome: Option<String>,
    /// Until when an answer counts.
    pub answer_by: Option<DateTime<Utc>>,
    /// When it was asked.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What policy answered.
    pub decision: Option<Value>,
}

struct Raw {
    id: Uuid,
    kind: String,
    title: String,
    subject: String,
    on_behalf_of: Option<String>,
    user_id: Option<Uuid>,
    team: Option<String>,
    resource: Option<String>,
    params: Value,
    secrets: Option<Vec<u8>>,
    reason: Option<String>,
    plan: Option<Value>,
    plan_hash: Option<String>,
    estimate: Option<BigDecimal>,
    currency: Option<String>,
    decision_id: Option<Uuid>,
    state: String,
    outcome: Option<String>,
    answer_by: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    decision: Option<Value>,
}

impl TryFrom<Raw> for RequestRow {
    type Error = sqlx::Error;

    fn try_from(raw: Raw) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: raw.id,
            kind: raw.kind,
            title: raw.title,
            subject: raw.subject,
            on_behalf_of: raw.on_behalf_of,
            user_id: raw.user_id,
            team: raw.team,
            resource: raw.resource,
            params: raw.params,
            secrets: raw.secrets,
            reason: raw.reason,
            plan: raw.plan,
            plan_hash: raw.plan_hash,
            estimate: raw.estimate,
            currency: raw.currency,
            decision_id: raw.decision_id,
            state: raw.state.parse()?,
            outcome: raw.outcome,
            answer_by: raw.answer_by,
            created_at: raw.created_at,
            ended_at: raw.ended_at,
            decision: raw.decision,
        })
    }
}

/// Inserts a request.
pub async fn insert(
    conn: &mut PgConnection,
    id: Uuid,
    new: &super::NewRequest,
    visible_to: &[String],
) -> sqlx::Result<()> {
    let (estimate, currency) = new.estimate.clone().unzip();
    sqlx::query!(
        "insert into requests_request (id, kind, title, subject, on_behalf_of, user_id, team, resource, params, secrets, reason,
                                       plan, plan_hash, estimate, currency, state, visible_to)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'submitted', $16)",
        id,
        new.kind,
        new.title,
        new.subject,
        new.on_behalf_of,
        new.user_id,
        new.team,
        new.resource,
        new.params,
        new.secrets,
        new.reason,
        new.plan,
        new.plan_hash,
        estimate,
        currency,
        visible_to
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// A request, if its claims let the reader see it. Jobs pass no claims.
pub async fn find(conn: &mut PgConnection, id: Uuid, claims: Option<&[String]>) -> sqlx::Result<Option<RequestRow>> {
    sqlx::query_as!(
        Raw,
        r#"select r.id, r.kind, r.title, r.subject, r.on_behalf_of, r.user_id, r.team, r.resource, r.params, r.secrets, r.reason, r.plan,
                r.plan_hash, r.estimate, r.currency, r.decision_id, r.state, r.outcome, r.answer_by, r.created_at, r.ended_at,
                d.output as "decision?"
         from requests_request r left join policy_decision d on d.id = r.decision_id
         where r.id = $1 and ($2::text[] is null or access_sees(r.visible_to, $2))"#,
        id,
        claims
    )
    .fetch_optional(conn)
    .await?
    .map(RequestRow::try_from)
    .transpose()
}

/// Locks a request for a change of state.
pub async fn lock(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<RequestRow>> {
    sqlx::query_scalar!("select id from requests_request where id = $1 for update", id)
        .fetch_optional(&mut *conn)
        .await?;
    find(conn, id, None).await
}

/// Moves a request to a state, if it may go there; tells whether it did.
pub async fn set_state(
    conn: &mut PgConnection,
    id: Uuid,
    state: RequestState,
    outcome: Option<&str>,
) -> sqlx::Result<bool> {
    let from: Vec<String> =
        RequestState::ALL.iter().filter(|s| s.may_become(state)).map(|s| s.as_str().to_owned()).collect();
    let ended = !RequestState::ALL.iter().any(|next| state.may_become(*next))
        || matches!(state, RequestState::Fulfilled | RequestState::Failed);
    let done = sqlx::query!(
        "update requests_request set state = $2, outcome = $3, ended_at = case when $4 then now() end,
                secrets = case when $4 and $2 <> 'failed' then null else secrets end
         where id = $1 and state = any($5)",
        id,
        state.as_str(),
        outcome,
        ended,
        &from
    )
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() == 1 {
        sqlx::query!("select pg_notify('slipway_requests', $1::text)", id.to_string()).fetch_one(conn).await?;
    }
    Ok(done.rows_affected() == 1)
}

/// Notes what policy said, and until when people may answer.
pub async fn set_decision(
    conn: &mut PgConnection,
    id: Uuid,
    decision: Uuid,
    answer_hours: Option<i32>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update requests_request set decision_id = $2, decided_at = now(), answer_by = now() + make_interval(hours => $3) where id = $1",
        id,
        decision,
        answer_hours
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Sets the plan that a planning run made. Answers to an earlier plan no longer count.
pub async fn set_plan(conn: &mut PgConnection, id: Uuid, plan: &Value, hash: &str) -> sqlx::Result<()> {
    sqlx::query!("update requests_request set plan = $2, plan_hash = $3 where id = $1", id, plan, hash)
        .execute(conn)
        .await?;
    Ok(())
}

/// Widens who may see a request, by those who must answer it.
pub async fn show_to(conn: &mut PgConnection, id: Uuid, claims: &[String]) -> sqlx::Result<()> {
    sqlx::query!(
        "update requests_request set visible_to = (select array_agg(distinct c) from unnest(visible_to || $2) c)
         where id = $1 and visible_to is not null",
        id,
        claims
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// An answer.
#[derive(Debug, Clone)]
pub struct AnswerRow {
    /// For which group.
    pub group_slug: String,
    /// Who.
    pub approver: String,
    /// `approve` or `deny`.
    pub verdict: String,
    /// Why.
    pub reason: Option<String>,
    /// To which plan.
    pub plan_hash: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// Records an answer; a second one of the same person for the same group and plan changes nothing.
pub async fn answer(
    conn: &mut PgConnection,
    request: &RequestRow,
    group: &str,
    who: (&str, Uuid),
    verdict: &str,
    reason: Option<&str>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into requests_approval (id, request_id, group_slug, approver, user_id, verdict, reason, plan_hash)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        Uuid::now_v7(),
        request.id,
        group,
        who.0,
        who.1,
        verdict,
        reason,
        request.plan_hash
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The answers to a request, oldest first.
pub async fn answers(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Vec<AnswerRow>> {
    sqlx::query_as!(
        AnswerRow,
        "select group_slug, approver, verdict, reason, plan_hash, at from requests_approval where request_id = $1 order by at",
        id
    )
    .fetch_all(conn)
    .await
}

/// A request in a list.
#[derive(Debug, Clone)]
pub struct RequestItem {
    /// Key.
    pub id: Uuid,
    /// For people.
    pub title: String,
    /// `feature.verb`.
    pub kind: String,
    /// Where it is.
    pub state: String,
    /// Who asks.
    pub subject: String,
    /// For which team.
    pub team: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// How it came out.
    pub outcome: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// Until when an answer counts.
    pub answer_by: Option<DateTime<Utc>>,
    /// Its latest run.
    pub run_id: Option<Uuid>,
}

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Those that the reader can answer.
    ToDecide,
    /// The reader's own.
    Mine,
    /// All that the reader may see.
    All,
}

/// Requests before a key, newest first.
pub async fn list(
    conn: &mut PgConnection,
    claims: &[String],
    user: Uuid,
    teams: &[String],
    view: View,
    before: Option<Uuid>,
    limit: i64,
) -> sqlx::Result<Vec<RequestItem>> {
    sqlx::query_as!(
        RequestItem,
        r#"select r.id, r.title, r.kind, r.state, r.subject, r.team, r.reason, r.outcome, r.created_at, r.answer_by,
                  (select u.id from runs_run u where u.request_id = r.id order by u.id desc limit 1) as run_id
           from requests_request r left join policy_decision d on d.id = r.decision_id
           where access_sees(r.visible_to, $1)
             and case $4
                   when 'mine' then r.user_id = $2
                   when 'decide' then r.state = 'awaiting_approval' and r.user_id is distinct from $2
                        and exists (select 1 from jsonb_array_elements(d.output -> 'obligations' -> 'approvals') a,
                                    jsonb_array_elements_text(a -> 'any_of') g where g = any($3))
                   else true end
             and ($5::uuid is null or r.id < $5)
           order by r.id desc limit $6"#,
        claims,
        user,
        teams,
        match view {
            View::ToDecide => "decide",
            View::Mine => "mine",
            View::All => "all",
        },
        before,
        limit
    )
    .fetch_all(conn)
    .await
}

/// How many requests wait for the reader.
pub async fn waiting_for(conn: &mut PgConnection, user: Uuid, teams: &[String]) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from requests_request r join policy_decision d on d.id = r.decision_id
           where r.state = 'awaiting_approval' and r.user_id is distinct from $1
             and exists (select 1 from jsonb_array_elements(d.output -> 'obligations' -> 'approvals') a,
                         jsonb_array_elements_text(a -> 'any_of') g where g = any($2))"#,
        user,
        teams
    )
    .fetch_one(conn)
    .await
}

/// Requests that nobody answered in time become expired; tells which.
pub async fn expire(conn: &mut PgConnection) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "update requests_request set state = 'expired', outcome = 'Nobody answered in time.', ended_at = now(), secrets = null
         where state = 'awaiting_approval' and answer_by < now() returning id"
    )
    .fetch_all(conn)
    .await
}

/// The newest run of a request.
pub async fn latest_run(conn: &mut PgConnection, id: Uuid) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar!("select id from runs_run where request_id = $1 order by id desc limit 1", id)
        .fetch_optional(conn)
        .await
}
