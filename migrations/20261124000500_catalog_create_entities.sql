-- The catalog: sources, the entities read from them, their relations and problems.

create extension if not exists pg_trgm;

create table catalog_source (
    id              uuid primary key,
    -- 'file', 'url', 'repository'
    kind            text not null check (kind in ('file', 'url', 'repository')),
    -- path, address, or 'host/owner/name'; with the path of the descriptor for repositories
    target          text not null,
    path            text not null default '',
    -- why it is read: 'config', 'example', 'registered', 'discovered', 'location'
    origin          text not null check (origin in ('config', 'example', 'registered', 'discovered', 'location')),
    -- the source whose Location entity named this one
    parent_id       uuid references catalog_source on delete cascade,
    -- a missing optional target is no problem
    optional        boolean not null default false,
    etag            text,
    content_hash    text,
    state           text not null default 'waiting' check (state in ('waiting', 'good', 'failed')),
    entity_count    integer not null default 0,
    problem_count   integer not null default 0,
    registered_by   text,
    created_at      timestamptz not null default now(),
    read_at         timestamptz,
    changed_at      timestamptz,
    due_at          timestamptz not null default now()
);
create unique index catalog_source_target on catalog_source (kind, target, path);
create index catalog_source_due on catalog_source (due_at);
create index catalog_source_parent on catalog_source (parent_id);

create table catalog_entity (
    id              uuid primary key,
    -- 'kind:namespace/name', lower case
    ref             text not null,
    kind            text not null,
    namespace       text not null,
    name            text not null,
    title           text,
    description     text,
    type            text,
    lifecycle       text,
    owner_ref       text,
    system_ref      text,
    tags            text[] not null default '{}',
    -- as written, with the annotations that its location gives
    body            json  not null,
    etag            text not null,
    source_id       uuid not null references catalog_source on delete cascade,
    -- first line of its document in the source
    line            integer not null default 1,
    visible_to      text[],
    sort_name       text not null generated always as (lower(coalesce(title, name))) stored,
    search          tsvector not null generated always as (
                        setweight(to_tsvector('simple', name), 'A') ||
                        setweight(to_tsvector('simple', coalesce(title, '')), 'A') ||
                        setweight(to_tsvector('simple', replace(replace(name, '-', ' '), '_', ' ')), 'B') ||
                        setweight(to_tsvector('simple', coalesce(description, '')), 'C')) stored,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
);
create unique index catalog_entity_ref on catalog_entity (ref);
create index catalog_entity_sort on catalog_entity (sort_name, id);
create index catalog_entity_kind on catalog_entity (kind, sort_name, id);
create index catalog_entity_owner on catalog_entity (owner_ref, sort_name, id);
create index catalog_entity_system on catalog_entity (system_ref);
create index catalog_entity_source on catalog_entity (source_id);
create index catalog_entity_tags on catalog_entity using gin (tags);
create index catalog_entity_search on catalog_entity using gin (search);
create index catalog_entity_name_trgm on catalog_entity using gin (sort_name gin_trgm_ops);

create table catalog_relation (
    -- the entity in whose file the relation was written
    originator_id   uuid not null references catalog_entity on delete cascade,
    from_ref        text not null,
    kind            text not null,
    to_ref          text not null,
    -- where the reference stands in the originator's file, if it was found there
    line            integer,
    col             integer,
    primary key (originator_id, from_ref, kind, to_ref)
);
create index catalog_relation_from on catalog_relation (from_ref, kind, to_ref);
create index catalog_relation_to on catalog_relation (to_ref);

create table catalog_problem (
    id              uuid primary key,
    source_id       uuid not null references catalog_source on delete cascade,
    -- of the entity concerned, if the file got that far; it need not exist
    entity_ref      text,
    owner_ref       text,
    severity        text not null check (severity in ('error', 'warning')),
    message         text not null,
    hint            text,
    file            text not null,
    line            integer,
    col             integer,
    since           timestamptz not null default now()
);
create index catalog_problem_source on catalog_problem (source_id);
create index catalog_problem_entity on catalog_problem (entity_ref);

-- Raised by every transaction that changes what the catalog shows; counts and facets are kept
-- in memory under this number.
create table catalog_generation (
    only_row        boolean primary key default true check (only_row),
    number          bigint not null default 1
);
insert into catalog_generation default values;
