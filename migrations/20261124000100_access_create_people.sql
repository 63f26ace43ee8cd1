-- People, teams, sessions and tokens: who may come in and what they belong to.

create table access_user (
    id              uuid primary key,
    login           text not null check (login = lower(login) and login <> ''),
    name            text not null,
    email           text,
    -- 'github' or 'demo'; a login is unique within its origin, so that a demo person never becomes a real one
    origin          text not null check (origin in ('github', 'demo')),
    -- the code host's own number: logins can be given to somebody else, numbers cannot
    external_id     text,
    created_at      timestamptz not null default now(),
    signed_in_at    timestamptz,
    -- demo people only; real people are admins by configuration, which needs no row
    demo_admin      boolean not null default false,
    teams_read_at   timestamptz
);
create unique index access_user_login on access_user (origin, login);
create unique index access_user_external on access_user (origin, external_id) where external_id is not null;
comment on column access_user.external_id is 'id of the person on the code host';

create table access_team (
    id              uuid primary key,
    slug            text not null check (slug = lower(slug) and slug <> ''),
    name            text not null,
    origin          text not null check (origin in ('github', 'demo')),
    refreshed_at    timestamptz not null default now()
);
create unique index access_team_slug on access_team (origin, slug);

create table access_membership (
    user_id         uuid not null references access_user on delete cascade,
    team_id         uuid not null references access_team on delete cascade,
    primary key (user_id, team_id)
);
create index access_membership_team on access_membership (team_id);

create table access_session (
    id              text primary key,
    data            jsonb not null,
    user_id         uuid references access_user on delete cascade,
    expires_at      timestamptz not null
);
create index access_session_user on access_session (user_id);
create index access_session_expiry on access_session (expires_at);

create table access_token (
    id              uuid primary key,
    user_id         uuid not null references access_user on delete cascade,
    name            text not null,
    -- SHA-256 of the secret part; the secret itself is random and long, so a slow hash adds nothing
    hash            bytea not null,
    -- the first characters, by which people tell their tokens apart
    hint            text not null,
    scopes          text[] not null,
    created_at      timestamptz not null default now(),
    expires_at      timestamptz not null,
    last_used_at    timestamptz,
    revoked_at      timestamptz
);
create unique index access_token_hash on access_token (hash);
create index access_token_user on access_token (user_id, created_at desc);

-- The one visibility predicate. A row says who may see it: null is everybody who is signed in,
-- else the reader must hold one of the claims. Claims are 'user:<login>', 'group:<slug>', 'admin'.
-- Written in SQL so that the planner inlines it into every list, count and search.
create function access_sees(visible_to text[], claims text[]) returns boolean
    language sql immutable parallel safe
    return visible_to is null or visible_to && claims;
