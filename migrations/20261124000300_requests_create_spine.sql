-- The road of everything that people ask for: request, decision, approvals.

create table policy_decision (
    id              uuid primary key,
    action          text not null,
    -- the whole input document (slipway.policy/v1) and its canonical hash: enough to replay
    input           jsonb not null,
    input_hash      text not null,
    output          jsonb not null,
    verdict         text not null check (verdict in ('allow', 'deny', 'require')),
    policy_version  text not null,
    rule_ids        text[] not null,
    duration_us     bigint not null,
    -- a preview decided nothing: somebody only looked at what would happen
    preview         boolean not null default false,
    at              timestamptz not null default now()
);
create index policy_decision_at on policy_decision (at desc);
create index policy_decision_action on policy_decision (action, at desc);

create table requests_request (
    id              uuid primary key,
    -- 'scaffolder.create', 'environments.create' …
    kind            text not null,
    title           text not null,
    -- who asks: 'user:<login>'; and for whom, when a token or an agent asks
    subject         text not null,
    on_behalf_of    text,
    user_id         uuid references access_user,
    team            text,
    resource        text,
    -- never a secret: those are sealed references
    params          json  not null,
    secrets         bytea,
    reason          text,
    plan            jsonb,
    plan_hash       text,
    estimate        numeric,
    currency        text,
    decision_id     uuid references policy_decision,
    state           text not null check (state in ('submitted', 'planned', 'awaiting_approval', 'approved', 'denied',
                        'expired', 'withdrawn', 'running', 'fulfilled', 'failed', 'cancelled')),
    outcome         text,
    answer_by       timestamptz,
    visible_to      text[],
    created_at      timestamptz not null default now(),
    decided_at      timestamptz,
    ended_at        timestamptz,
    check ((estimate is null) = (currency is null))
);
create index requests_request_created on requests_request (created_at desc, id desc);
create index requests_request_user on requests_request (user_id, created_at desc);
create index requests_request_open on requests_request (answer_by) where state = 'awaiting_approval';
create index requests_request_resource on requests_request (resource, created_at desc);
create index requests_request_visible on requests_request using gin (visible_to);

create table requests_approval (
    id              uuid primary key,
    request_id      uuid not null references requests_request,
    -- the group for which the answer counts
    group_slug      text not null,
    approver        text not null,
    user_id         uuid not null references access_user,
    verdict         text not null check (verdict in ('approve', 'deny')),
    reason          text,
    -- counts only while this is the request's
    plan_hash       text,
    at              timestamptz not null default now()
);
create unique index requests_approval_once on requests_approval (request_id, group_slug, user_id, coalesce(plan_hash, ''));
