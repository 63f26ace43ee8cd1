//! The spine with a kind of its own: states, effects, parking, cancelling, retrying, rolling back,
//! leftovers, fences, planning runs, approvals. The outside world here is a set of names.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use slipway::engine::access::{Subject, Via};
use slipway::engine::app::App;
use slipway::engine::policy;
use slipway::engine::policy::model::{Action, PlanFacts, ResourceFacts, SubjectFacts};
use slipway::engine::requests::answer::{self, Answer};
use slipway::engine::requests::jobs::FollowRuns;
use slipway::engine::requests::{self, Kinds, NewRequest, RequestError, RequestKind, RequestRow, RequestState};
use slipway::engine::runs::context::Effect;
use slipway::engine::runs::kind::ParkOn;
use slipway::engine::runs::manage::RunError;
use slipway::engine::runs::store::{EffectRow, StepRow};
use slipway::engine::runs::{
    self, EffectKind, EffectState, Found, NewRun, NewStep, Outcome, Purpose, Registry, RunKind, RunState, StepContext,
    StepFault, StepState,
};
use slipway::ports::PortError;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::support::Portal;
use crate::support::portal::Settings;

/// The world outside: things by name, and what goes wrong next.
#[derive(Clone, Default)]
struct World(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    things: BTreeSet<String>,
    calls: Vec<String>,
    /// The next call is carried out and its answer lost.
    lose_answer: bool,
    /// The next call fails for good.
    refuse: bool,
    /// Things that cannot be undone.
    stuck: BTreeSet<String>,
    /// Nobody can tell what exists.
    blind: bool,
}

impl World {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().expect("the world"))
    }

    fn things(&self) -> Vec<String> {
        self.with(|s| s.things.iter().cloned().collect())
    }

    fn make(&self, name: &str) -> Result<Value, PortError> {
        self.with(|s| {
            s.calls.push(name.to_owned());
            let system = "The world".to_owned();
            if std::mem::take(&mut s.refuse) {
                return Err(PortError::Refused { system, why: "not today".to_owned() });
            }
            assert!(s.things.insert(name.to_owned()), "{name} was made twice");
            if std::mem::take(&mut s.lose_answer) {
                return Err(PortError::Unknown { system, why: "the line went dead".to_owned() });
            }
            Ok(json!({ "thing": name }))
        })
    }
}

struct Things(World);

#[async_trait]
impl EffectKind for Things {
    fn name(&self) -> &'static str {
        "test.thing"
    }

    async fn probe(&self, _app: &App, effect: &EffectRow) -> Found {
        let name = effect.intent["name"].as_str().unwrap_or_default();
        self.0.with(|s| match (s.blind, s.things.contains(name)) {
            (true, _) => Found::CannotTell("the world is dark".to_owned()),
            (false, true) => Found::Present(json!({ "thing": name })),
            (false, false) => Found::Absent,
        })
    }

    async fn undo(&self, _app: &App, effect: &EffectRow) -> Result<(), String> {
        let name = effect.intent["name"].as_str().unwrap_or_default();
        self.0.with(|s| {
            if s.stuck.contains(name) {
                return Err("it is nailed down".to_owned());
            }
            s.things.remove(name);
            s.calls.push(format!("undo {name}"));
            Ok(())
        })
    }
}

struct TestRun(World);

#[async_trait]
impl RunKind for TestRun {
    fn name(&self) -> &'static str {
        "test.run"
    }

    async fn step(&self, context: &StepContext, step: &StepRow) -> Result<Outcome, StepFault> {
        let done = |output| Ok(Outcome::Done { output, detail: String::new() });
        match step.action.as_str() {
            "make" => {
                let name = step.key.clone();
                let effect = Effect {
                    key: name.clone(),
                    kind: "test.thing",
                    name: format!("Thing {name}"),
                    intent: json!({ "name": name }),
                };
                let made = context.effect(effect, async || self.0.make(&name)).await?;
                done(made)
            }
            "decision" => match decided(context).await? {
                true => done(json!({})),
                false => Ok(Outcome::Park(ParkOn::Decision("the-question".to_owned()))),
            },
            "event" => match decided(context).await? {
                true => done(json!({})),
                false => {
                    let until = context.app.clock.now() + chrono::TimeDelta::hours(1);
                    Ok(Outcome::Park(ParkOn::Event { key: EVENT.to_owned(), until }))
                }
            },
            "secret" => {
                let secrets = context.secrets()?;
                context.log(format!("the password is {}", secrets["password"].as_str().unwrap_or_default())).await?;
                done(json!({}))
            }
            "plan" => done(json!({ "plan": { "adds": ["one"] } })),
            "fail" => Err(StepFault::Failed("This step fails on purpose.".to_owned())),
            other => panic!("no action {other}"),
        }
    }
}

/// A step that waits knows by the number of its tries that it was resumed.
async fn decided(context: &StepContext) -> Result<bool, StepFault> {
    let mut conn = context.app.db.acquire().await?;
    let steps = runs::store::steps(&mut conn, context.run.id).await?;
    Ok(steps.iter().any(|s| s.key == context.step_key && s.attempt > 1))
}

async fn portal(world: &World) -> Portal {
    let registry = Registry::default().run(TestRun(world.clone())).effect(Things(world.clone())).observer(FollowRuns);
    Portal::with(Settings {
        registry: Some(registry),
        kinds: Some(Kinds::default().with(TestRequests)),
        vars: vec![("SLIPWAY_GITHUB_WEBHOOK_SECRET", "a shared word".to_owned())],
    })
    .await
}

/// What the step `event` waits for.
const EVENT: &str = "github:workflow_run.completed:acme/shop";

fn new_run(steps: &[(&str, &str)]) -> NewRun {
    NewRun {
        id: Uuid::now_v7(),
        request_id: None,
        kind: "test.run",
        purpose: Purpose::Apply,
        title: "A test".to_owned(),
        subject_ref: format!("test:{}", Uuid::now_v7()),
        input: json!({}),
        secrets: None,
        started_by: "user:mara".to_owned(),
        visible_to: None,
        steps: steps
            .iter()
            .map(|(key, action)| NewStep {
                key: (*key).to_owned(),
                title: (*key).to_owned(),
                action: (*action).to_owned(),
            })
            .collect(),
    }
}

async fn start(portal: &Portal, run: &NewRun) {
    let mut tx = portal.db().begin().await.expect("a transaction");
    runs::start(&mut tx, run).await.expect("it starts");
    tx.commit().await.expect("committed");
}

async fn state(portal: &Portal, id: Uuid) -> RunState {
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::store::run(&mut conn, id, None).await.expect("an answer").expect("a run").state
}

async fn steps(portal: &Portal, id: Uuid) -> Vec<StepState> {
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::store::steps(&mut conn, id).await.expect("steps").into_iter().map(|s| s.state).collect()
}

async fn effects(portal: &Portal, id: Uuid) -> Vec<(String, EffectState)> {
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::store::effects(&mut conn, id).await.expect("effects").into_iter().map(|e| (e.key, e.state)).collect()
}

#[test]
fn an_ended_run_starts_again_only_by_retry_or_roll_back() {
    for from in RunState::ALL {
        for to in RunState::ALL {
            let allowed = from.may_become(*to);
            if from.is_final() {
                let expected = matches!(
                    (from, to),
                    (RunState::Failed, RunState::Queued | RunState::RollingBack)
                        | (RunState::Succeeded, RunState::RollingBack)
                );
                assert_eq!(allowed, expected, "{from:?} to {to:?}");
            }
            assert!(!(allowed && from == to), "{from:?} to itself");
        }
        assert!(from.is_final() || RunState::ALL.iter().any(|to| from.may_become(*to)), "{from:?} is a dead end");
    }
}

#[test]
fn every_state_of_a_request_leads_to_an_end() {
    for from in RequestState::ALL {
        let mut reached = vec![from];
        let mut at = 0;
        while at < reached.len() {
            let here = reached[at];
            reached.extend(
                RequestState::ALL
                    .into_iter()
                    .filter(|n| here.may_become(*n) && !reached.contains(n))
                    .collect::<Vec<_>>(),
            );
            at += 1;
        }
        let ends = reached.iter().any(|s| !RequestState::ALL.iter().any(|n| s.may_become(*n)));
        assert!(ends, "{from:?} never ends");
    }
    assert!(!RequestState::Denied.may_become(RequestState::Approved));
    assert!(!RequestState::AwaitingApproval.may_become(RequestState::Running));
}

#[tokio::test]
async fn a_run_makes_its_things_in_order_and_writes_them_down() {
    let world = World::default();
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make"), ("two", "make")]);
    start(&portal, &run).await;
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Succeeded);
    assert_eq!(world.things(), ["one", "two"]);
    let made = effects(&portal, run.id).await;
    assert_eq!(made, [("one".to_owned(), EffectState::Made), ("two".to_owned(), EffectState::Made)]);
}

#[tokio::test]
async fn no_commit_no_run() {
    let world = World::default();
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make")]);
    let mut tx = portal.db().begin().await.expect("a transaction");
    runs::start(&mut tx, &run).await.expect("it starts");
    tx.rollback().await.expect("rolled back");
    portal.run_jobs().await;
    assert!(world.things().is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_and_not_repeated() {
    let world = World::default();
    world.with(|s| s.lose_answer = true);
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make"), ("two", "make")]);
    start(&portal, &run).await;
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Parked, "it waits before it looks");
    assert_eq!(effects(&portal, run.id).await, [("one".to_owned(), EffectState::Intended)], "what happened is unknown");
    portal.skip_waits().await;
    assert_eq!(state(&portal, run.id).await, RunState::Succeeded);
    assert_eq!(world.with(|s| s.calls.clone()), ["one", "two"], "nothing was made twice");
}

#[tokio::test]
async fn a_refused_call_fails_the_run_and_a_retry_goes_on_there() {
    let world = World::default();
    let portal = portal(&world).await;
    let second = new_run(&[("three", "make"), ("four", "make")]);
    start(&portal, &second).await;
    world.with(|s| s.refuse = true);
    portal.run_jobs().await;
    assert_eq!(state(&portal, second.id).await, RunState::Failed);
    assert_eq!(steps(&portal, second.id).await, [StepState::Failed, StepState::Pending]);
    assert_eq!(effects(&portal, second.id).await, [("three".to_owned(), EffectState::Absent)]);
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::retry(&mut conn, second.id, "user:mara").await.expect("a retry");
    drop(conn);
    portal.run_jobs().await;
    assert_eq!(state(&portal, second.id).await, RunState::Succeeded);
    assert!(world.things().contains(&"four".to_owned()));
}

#[tokio::test]
async fn a_parked_run_holds_no_job_and_goes_on_when_the_answer_comes() {
    for (action, key) in [("decision", "the-question"), ("event", EVENT)] {
        let world = World::default();
        let portal = portal(&world).await;
        let run = new_run(&[("one", "make"), ("wait", action), ("two", "make")]);
        start(&portal, &run).await;
        portal.run_jobs().await;
        assert_eq!(state(&portal, run.id).await, RunState::Parked);
        let mut tx = portal.db().begin().await.expect("a transaction");
        let locked: i64 = sqlx::query_scalar("select count(*) from jobs._private_jobs where locked_at is not null")
            .fetch_one(&mut *tx)
            .await
            .expect("an answer");
        assert_eq!(locked, 0, "nothing waits inside a worker");
        assert_eq!(runs::resume(&mut tx, "another-key").await.expect("an answer"), 0);
        assert_eq!(runs::resume(&mut tx, key).await.expect("an answer"), 1);
        tx.commit().await.expect("committed");
        portal.run_jobs().await;
        assert_eq!(state(&portal, run.id).await, RunState::Succeeded, "{action}");
        assert_eq!(world.things(), ["one", "two"]);
    }
}

#[tokio::test]
async fn only_a_signed_webhook_resumes_the_run_that_waits_for_it() {
    let world = World::default();
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make"), ("wait", "event"), ("two", "make")]);
    start(&portal, &run).await;
    portal.run_jobs().await;
    let send = async |repository: &str, word: &str| {
        let told = json!({ "action": "completed", "repository": { "full_name": repository } });
        portal.webhook("workflow_run", &told, word).await
    };
    assert_eq!(send("Acme/Shop", "a guess").await, 403);
    let bare = reqwest::Client::new().post(format!("{}/webhooks/github", portal.base)).body("{}");
    assert_eq!(bare.send().await.expect("an answer").status(), 403);
    assert_eq!(send("acme/other", "a shared word").await, 200);
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Parked);
    assert_eq!(send("Acme/Shop", "a shared word").await, 200);
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Succeeded);
    assert_eq!(send("Acme/Shop", "a shared word").await, 200, "a second delivery finds nothing to resume");
}

#[tokio::test]
async fn a_cancelled_run_undoes_what_it_made_in_reverse() {
    let world = World::default();
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make"), ("two", "make"), ("wait", "decision"), ("three", "make")]);
    start(&portal, &run).await;
    portal.run_jobs().await;
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::cancel(&mut conn, run.id, "user:mara").await.expect("asked");
    drop(conn);
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Cancelled);
    assert!(world.things().is_empty());
    assert_eq!(world.with(|s| s.calls.clone()), ["one", "two", "undo two", "undo one"]);
}

#[tokio::test]
async fn what_cannot_be_undone_is_a_leftover_until_it_is_gone() {
    let world = World::default();
    world.with(|s| {
        s.stuck.insert("one".to_owned());
    });
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make"), ("bad", "fail")]);
    start(&portal, &run).await;
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Failed);
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::roll_back(&mut conn, run.id, "user:mara").await.expect("asked");
    drop(conn);
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::RolledBack);
    assert_eq!(effects(&portal, run.id).await, [("one".to_owned(), EffectState::Leftover)]);
    let ines = portal.person("ines").await;
    let page = ines.get(&format!("/requests/runs/{}", run.id)).await.is(200);
    assert!(page.says("Thing one") && page.says("nailed down"), "the leftover is listed by name with its reason");
    // It comes loose, and the sweep sees to it.
    world.with(|s| s.stuck.clear());
    sweep(&portal).await;
    assert_eq!(effects(&portal, run.id).await, [("one".to_owned(), EffectState::Undone)]);
    assert!(world.things().is_empty());
}

async fn sweep(portal: &Portal) {
    use slipway::engine::jobs::{self, When};
    let mut conn = portal.db().acquire().await.expect("a connection");
    jobs::enqueue(&mut conn, &runs::rollback::Sweep {}, When::default()).await.expect("a job");
    drop(conn);
    portal.run_jobs().await;
}

#[tokio::test]
async fn an_unknown_effect_that_nobody_can_see_is_never_dropped_silently() {
    let world = World::default();
    world.with(|s| {
        s.lose_answer = true;
        s.blind = true;
    });
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make")]);
    start(&portal, &run).await;
    portal.run_jobs().await;
    let mut conn = portal.db().acquire().await.expect("a connection");
    runs::cancel(&mut conn, run.id, "user:mara").await.expect("asked");
    drop(conn);
    world.with(|s| {
        s.stuck.insert("one".to_owned());
    });
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Cancelled);
    assert_eq!(effects(&portal, run.id).await, [("one".to_owned(), EffectState::Leftover)]);
}

#[tokio::test]
async fn a_worker_thought_dead_changes_nothing() {
    let world = World::default();
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make")]);
    start(&portal, &run).await;
    let mut conn = portal.db().acquire().await.expect("a connection");
    let old = runs::store::claim(&mut conn, run.id, "old").await.expect("an answer").expect("claimed");
    let new = runs::store::claim(&mut conn, run.id, "new").await.expect("an answer").expect("claimed");
    assert!(new.fence > old.fence);
    let step = runs::store::steps(&mut conn, run.id).await.expect("steps").remove(0);
    drop(conn);
    let registry = Arc::new(Registry::default().effect(Things(world.clone())));
    let context = StepContext::new(portal.app.clone(), registry, old, &step, &[]);
    assert!(matches!(context.log("I am back").await, Err(StepFault::Lost)));
    let effect = Effect {
        key: "one".to_owned(),
        kind: "test.thing",
        name: "Thing".to_owned(),
        intent: json!({ "name": "one" }),
    };
    let result = context.effect(effect, async || world.make("one")).await;
    assert!(matches!(result, Err(StepFault::Lost)), "{result:?}");
    assert!(world.things().is_empty(), "no outside call without a row, no row without the fence");
    portal.run_jobs().await;
}

#[tokio::test]
async fn two_active_runs_never_change_one_thing() {
    let world = World::default();
    let portal = portal(&world).await;
    let first = new_run(&[("wait", "decision")]);
    start(&portal, &first).await;
    let second = NewRun { subject_ref: first.subject_ref.clone(), ..new_run(&[("one", "make")]) };
    let mut tx = portal.db().begin().await.expect("a transaction");
    assert!(matches!(runs::start(&mut tx, &second).await, Err(RunError::Busy(_))));
    drop(tx);
    portal.run_jobs().await;
}

#[tokio::test]
async fn a_run_without_a_job_is_found_by_the_sweep() {
    let world = World::default();
    let portal = portal(&world).await;
    let run = new_run(&[("one", "make")]);
    start(&portal, &run).await;
    sqlx::query("delete from jobs._private_jobs").execute(portal.db()).await.expect("the job is lost");
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Queued);
    sweep(&portal).await;
    assert_eq!(state(&portal, run.id).await, RunState::Succeeded);
}

#[tokio::test]
async fn two_replicas_share_two_hundred_runs_and_do_each_once() {
    let world = World::default();
    let portal = portal(&world).await;
    let names: Vec<String> = (0..200).map(|n| format!("thing-{n}")).collect();
    for name in &names {
        start(&portal, &new_run(&[(name, "make")])).await;
    }
    let registry = Registry::default().run(TestRun(world.clone())).effect(Things(world.clone()));
    let other =
        slipway::worker::workers(&portal.app, portal.db(), registry, Kinds::default()).await.expect("a replica");
    let (_, result) = tokio::join!(portal.run_jobs(), other.run_until_idle());
    result.expect("it works");
    portal.run_jobs().await;
    assert_eq!(world.things().len(), 200, "each was made, and `make` fails on a second time");
    let open: i64 = sqlx::query_scalar("select count(*) from runs_run where state <> 'succeeded'")
        .fetch_one(portal.db())
        .await
        .expect("an answer");
    assert_eq!(open, 0);
}

#[tokio::test]
async fn secrets_of_a_run_are_sealed_redacted_and_destroyed() {
    let world = World::default();
    let portal = portal(&world).await;
    let mut run = new_run(&[("tell", "secret")]);
    let place = runs::context::secrets_place(run.id);
    let plain = json!({ "password": "correct horse battery" }).to_string();
    run.secrets = Some(portal.app.sealer.seal(&place, plain.as_bytes()).expect("sealed"));
    start(&portal, &run).await;
    let stored: Vec<u8> =
        sqlx::query_scalar("select secrets from runs_run").fetch_one(portal.db()).await.expect("bytes");
    assert!(!String::from_utf8_lossy(&stored).contains("horse"));
    assert!(portal.app.sealer.open("runs_run/another", &stored).is_err(), "a sealed value opens only in its place");
    portal.run_jobs().await;
    let lines: Vec<String> =
        sqlx::query_scalar("select line from runs_log").fetch_all(portal.db()).await.expect("lines");
    assert!(lines.iter().any(|l| l == "the password is ***"), "{lines:?}");
    let left: Option<Vec<u8>> =
        sqlx::query_scalar("select secrets from runs_run").fetch_one(portal.db()).await.expect("an answer");
    assert_eq!(left, None, "destroyed with the end of the run");
}

#[tokio::test]
async fn a_failed_run_keeps_its_secrets_for_a_day_and_is_not_retried_without_them() {
    let portal = portal(&World::default()).await;
    let mut run = new_run(&[("break", "fail"), ("tell", "secret")]);
    let place = runs::context::secrets_place(run.id);
    run.secrets = Some(portal.app.sealer.seal(&place, br#"{ "password": "correct horse" }"#).expect("sealed"));
    start(&portal, &run).await;
    portal.run_jobs().await;
    sweep(&portal).await;
    let retry = async || {
        let mut conn = portal.db().acquire().await.expect("a connection");
        runs::retry(&mut conn, run.id, "user:mara").await
    };
    retry().await.expect("its secrets are there");
    portal.run_jobs().await;
    assert_eq!(state(&portal, run.id).await, RunState::Failed);
    sqlx::query("update runs_run set ended_at = now() - interval '25 hours'").execute(portal.db()).await.expect("old");
    sweep(&portal).await;
    assert!(matches!(retry().await, Err(runs::manage::RunError::SecretsDestroyed)));
    let left: Vec<u8> = sqlx::query_scalar("select secrets from runs_run").fetch_one(portal.db()).await.expect("bytes");
    assert!(left.is_empty());
}

/// Requests whose plan is made by a run.
struct TestRequests;

#[async_trait]
impl RequestKind for TestRequests {
    fn name(&self) -> &'static str {
        "test.request"
    }

    fn policy_input(&self, request: &RequestRow, now: chrono::DateTime<chrono::Utc>) -> Option<policy::Input> {
        Some(input(request.params["team"].as_str(), now))
    }

    async fn start(&self, _app: &App, conn: &mut PgConnection, request: &RequestRow) -> Result<(), RequestError> {
        let run = NewRun { request_id: Some(request.id), ..new_run(&[("applied", "make")]) };
        runs::start(conn, &run).await?;
        Ok(())
    }
}

/// What policy is told: Mara, of tracking, wants something for a team. The built-in rules of
/// creating from templates are used, since they know allow and require.
fn input(team: Option<&str>, now: chrono::DateTime<chrono::Utc>) -> policy::Input {
    policy::Input {
        api_version: policy::model::API_VERSION.to_owned(),
        now,
        action: Action {
            kind: "scaffolder".to_owned(),
            verb: "create".to_owned(),
            params: json!({}),
            estimate: None,
            plan: PlanFacts::default(),
        },
        subject: SubjectFacts {
            id: "user:mara".to_owned(),
            kind: "human".to_owned(),
            groups: vec![],
            teams: vec!["tracking".to_owned()],
            on_behalf_of: None,
        },
        resource: ResourceFacts { owner_team: team.map(str::to_owned), ..ResourceFacts::default() },
        context: json!({}),
    }
}

async fn subject(portal: &Portal, login: &str) -> Subject {
    let id: Uuid = sqlx::query_scalar("select id from access_user where login = $1")
        .bind(login)
        .fetch_one(portal.db())
        .await
        .expect("a person");
    portal.app.sessions.subject(id, Via::Session).await.expect("an answer").expect("a subject")
}

fn new_request(subject: &Subject, team: &str) -> NewRequest {
    NewRequest {
        kind: "test.request",
        title: "A wish".to_owned(),
        subject: subject.who(),
        on_behalf_of: None,
        user_id: Some(subject.user_id),
        team: Some(team.to_owned()),
        resource: None,
        params: json!({ "team": team }),
        secrets: None,
        reason: Some("For a test.".to_owned()),
        plan: None,
        plan_hash: None,
        estimate: None,
    }
}

async fn ask(portal: &Portal, team: &str) -> Uuid {
    let mara = subject(portal, "mara").await;
    let id = Uuid::now_v7();
    let mut tx = portal.db().begin().await.expect("a transaction");
    requests::submit(&mut tx, id, &mara, &new_request(&mara, team), None).await.expect("submitted");
    let plan = NewRun { request_id: Some(id), purpose: Purpose::Plan, ..new_run(&[("plan", "plan")]) };
    runs::start(&mut tx, &plan).await.expect("it starts");
    tx.commit().await.expect("committed");
    portal.run_jobs().await;
    id
}

async fn request_state(portal: &Portal, id: Uuid) -> RequestState {
    let mut conn = portal.db().acquire().await.expect("a connection");
    requests::store::find(&mut conn, id, None).await.expect("an answer").expect("a request").state
}

#[tokio::test]
async fn a_planning_run_leads_to_a_decision_and_an_applying_run() {
    let world = World::default();
    let portal = portal(&world).await;
    let id = ask(&portal, "tracking").await;
    assert_eq!(request_state(&portal, id).await, RequestState::Fulfilled);
    assert_eq!(world.things(), ["applied"]);
    let runs: Vec<(String, String)> =
        sqlx::query_as("select purpose, state from runs_run order by id").fetch_all(portal.db()).await.expect("runs");
    assert_eq!(runs, [("plan".to_owned(), "succeeded".to_owned()), ("apply".to_owned(), "succeeded".to_owned())]);
}

#[tokio::test]
async fn whoever_asks_never_decides_and_an_approval_starts_the_work() {
    let world = World::default();
    let portal = portal(&world).await;
    let id = ask(&portal, "last-mile").await;
    assert_eq!(request_state(&portal, id).await, RequestState::AwaitingApproval);
    let (mara, tomas, ines) =
        (subject(&portal, "mara").await, subject(&portal, "tomas").await, subject(&portal, "ines").await);
    let mut conn = portal.db().acquire().await.expect("a connection");
    let own = answer::answer(&mut conn, &mara, id, Answer::Approve, None).await;
    assert!(matches!(own, Err(RequestError::OwnRequest)), "{own:?}");
    let stranger = answer::answer(&mut conn, &ines, id, Answer::Approve, None).await;
    assert!(matches!(stranger, Err(RequestError::NotAsked(_))), "an admin is not a member: {stranger:?}");
    let silent = answer::answer(&mut conn, &tomas, id, Answer::Deny, None).await;
    assert!(matches!(silent, Err(RequestError::ReasonNeeded)), "{silent:?}");
    drop(conn);
    let mut tx = portal.db().begin().await.expect("a transaction");
    answer::answer(&mut tx, &tomas, id, Answer::Approve, Some("Go on.")).await.expect("approved");
    tx.commit().await.expect("committed");
    portal.run_jobs().await;
    assert_eq!(request_state(&portal, id).await, RequestState::Fulfilled);
    assert_eq!(world.things(), ["applied"]);
}

#[tokio::test]
async fn an_approval_falls_when_the_plan_changes() {
    let world = World::default();
    let portal = portal(&world).await;
    let id = ask(&portal, "last-mile").await;
    let mut conn = portal.db().acquire().await.expect("a connection");
    let request = requests::store::find(&mut conn, id, None).await.expect("an answer").expect("a request");
    let tomas = subject(&portal, "tomas").await;
    requests::store::answer(&mut conn, &request, "last-mile", (&tomas.who(), tomas.user_id), "approve", None)
        .await
        .expect("kept");
    let answers = requests::store::answers(&mut conn, id).await.expect("answers");
    assert!(answer::missing(&request, &answers).is_empty(), "it would be complete");
    requests::store::set_plan(&mut conn, id, &json!({ "adds": ["two"] }), "another hash").await.expect("changed");
    let changed = requests::store::find(&mut conn, id, None).await.expect("an answer").expect("a request");
    assert_eq!(answer::missing(&changed, &answers).len(), 1, "the answer was to another plan");
}

#[tokio::test]
async fn a_request_that_nobody_answers_expires() {
    use slipway::engine::jobs::{self, When};
    let world = World::default();
    let portal = portal(&world).await;
    let id = ask(&portal, "last-mile").await;
    sqlx::query("update requests_request set answer_by = now() - interval '1 second'")
        .execute(portal.db())
        .await
        .expect("time passes");
    let mut conn = portal.db().acquire().await.expect("a connection");
    jobs::enqueue(&mut conn, &requests::jobs::Expire {}, When::default()).await.expect("a job");
    drop(conn);
    portal.run_jobs().await;
    assert_eq!(request_state(&portal, id).await, RequestState::Expired);
    assert!(world.things().is_empty());
}

#[tokio::test]
async fn a_decision_can_be_replayed_to_the_letter() {
    let world = World::default();
    let portal = portal(&world).await;
    ask(&portal, "last-mile").await;
    let mut conn = portal.db().acquire().await.expect("a connection");
    let id: Uuid =
        sqlx::query_scalar("select id from policy_decision").fetch_one(&mut *conn).await.expect("a decision");
    let replay = policy::replay(&mut conn, id).await.expect("an answer").expect("a replay");
    assert!(replay.same, "{replay:#?}");
}

#[test]
fn nothing_that_no_rule_speaks_of_is_allowed() {
    let mut input = input(Some("tracking"), chrono::DateTime::UNIX_EPOCH);
    input.action.kind = "something".to_owned();
    let output = policy::evaluate(&input);
    assert_eq!(output.decision, policy::Verdict::Require);
    assert_eq!(output.obligations.approvals.len(), 1, "somebody is named");
}

#[tokio::test]
async fn the_audit_log_is_only_ever_added_to() {
    let world = World::default();
    let portal = portal(&world).await;
    ask(&portal, "tracking").await;
    let verbs: Vec<String> =
        sqlx::query_scalar("select verb from audit_entry order by id").fetch_all(portal.db()).await.expect("entries");
    for wanted in ["requests.submitted", "requests.decided", "requests.ended"] {
        assert!(verbs.iter().any(|v| v == wanted), "{wanted} in {verbs:?}");
    }
    for statement in ["update audit_entry set who = 'nobody'", "delete from audit_entry", "truncate audit_entry"] {
        let result = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(portal.db()).await;
        assert!(result.is_err(), "{statement} must fail");
    }
}
