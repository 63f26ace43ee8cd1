-- Runs: ordered steps, every outside effect written before it is made, and a log.

create table runs_run (
    id              uuid primary key,
    request_id      uuid references requests_request,
    kind            text not null,
    purpose         text not null check (purpose in ('plan', 'apply', 'refresh', 'undo')),
    title           text not null,
    -- '<feature>:<id>': at most one active run per subject
    subject_ref     text not null,
    input           json  not null default '{}',
    secrets         bytea,
    state           text not null check (state in ('queued', 'running', 'parked', 'cancelling', 'rolling_back',
                        'succeeded', 'failed', 'cancelled', 'rolled_back')),
    -- raised by every claim; a write of a worker that holds an older one changes nothing
    fence           bigint not null default 0,
    worker          text,
    -- {"on": "decision" | "time" | "event", "key": …, "until": …}
    parked_on       jsonb,
    resume_at       timestamptz,
    cancel_requested_at timestamptz,
    cancel_requested_by text,
    attempt         integer not null default 1,
    outcome         text,
    started_by      text not null,
    visible_to      text[],
    created_at      timestamptz not null default now(),
    started_at      timestamptz,
    ended_at        timestamptz
);
create unique index runs_run_one_active on runs_run (subject_ref)
    where state in ('queued', 'running', 'parked', 'cancelling', 'rolling_back');
create index runs_run_subject on runs_run (subject_ref, id desc);
create index runs_run_created on runs_run (created_at desc, id desc);
create index runs_run_request on runs_run (request_id);
create index runs_run_kind on runs_run (kind, created_at desc);
create index runs_run_parked on runs_run ((parked_on ->> 'key')) where state = 'parked';
create index runs_run_due on runs_run (resume_at) where state = 'parked';
create index runs_run_state on runs_run (state) where state in ('queued', 'running', 'cancelling', 'rolling_back');
create index runs_run_visible on runs_run using gin (visible_to);

create table runs_step (
    run_id          uuid not null references runs_run on delete cascade,
    position        integer not null,
    key             text not null,
    title           text not null,
    action          text not null,
    state           text not null check (state in ('pending', 'running', 'done', 'skipped', 'failed', 'undone')),
    attempt         integer not null default 0,
    output          jsonb,
    -- one short line about what came of it
    detail          text,
    error           text,
    started_at      timestamptz,
    ended_at        timestamptz,
    primary key (run_id, position)
);
create unique index runs_step_key on runs_step (run_id, key);

create table runs_effect (
    id              uuid primary key,
    run_id          uuid not null references runs_run,
    step_key        text not null,
    key             text not null,
    kind            text not null,
    -- what people call the thing: 'Repository tidepost/eta'
    name            text not null,
    intent          jsonb not null,
    external        jsonb,
    state           text not null check (state in ('intended', 'made', 'absent', 'undone', 'leftover')),
    note            text,
    intended_at     timestamptz not null default now(),
    settled_at      timestamptz,
    checked_at      timestamptz
);
create unique index runs_effect_key on runs_effect (run_id, key);
create index runs_effect_leftover on runs_effect (checked_at nulls first) where state = 'leftover';

create table runs_log (
    run_id          uuid not null references runs_run on delete cascade,
    seq             bigint generated always as identity,
    at              timestamptz not null default now(),
    step_key        text,
    stream          text not null check (stream in ('out', 'err')),
    -- redacted before it came here
    line            text not null,
    primary key (run_id, seq)
);
