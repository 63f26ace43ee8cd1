-- Answers on their way to a request, and the workspaces of runs.

create table scaffolder_draft (
    id              uuid primary key,
    user_id         uuid not null references access_user on delete cascade,
    template_ref    text not null,
    answers         json  not null default '{}',
    -- secret answers, sealed; destroyed with the row
    secrets         bytea,
    updated_at      timestamptz not null default now(),
    expires_at      timestamptz not null
);
create index scaffolder_draft_user on scaffolder_draft (user_id, updated_at desc);
create index scaffolder_draft_expiry on scaffolder_draft (expires_at);

create table scaffolder_workspace (
    run_id          uuid primary key references runs_run on delete cascade,
    -- tar of all files, as the last finished step left them
    archive         bytea not null,
    updated_at      timestamptz not null default now()
);
