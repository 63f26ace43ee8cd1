-- Who did what, when, to what, decided by which rule. Written in the transaction of the deed,
-- never changed afterwards.

create table audit_entry (
    id              bigint generated always as identity primary key,
    at              timestamptz not null default now(),
    -- 'user:<login>', 'token:<id>', 'system'
    who             text not null,
    on_behalf_of    text,
    token_id        uuid,
    address         inet,
    -- 'feature.verb', past tense: 'scaffolder.requested'
    verb            text not null,
    -- entity reference, 'run:<id>', 'request:<id>'
    resource        text not null,
    decision_id     uuid,
    request_id      uuid,
    -- the id of the HTTP request, as people quote it
    http_request    text,
    outcome         text not null default 'done',
    detail          jsonb not null default '{}'
);
create index audit_entry_at on audit_entry (at desc, id desc);
create index audit_entry_resource on audit_entry (resource, id desc);
create index audit_entry_who on audit_entry (who, id desc);

create function audit_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'audit entries are never changed';
end $$;
create trigger audit_entry_insert_only before update or delete on audit_entry
    for each row execute function audit_refuse_change();
create trigger audit_entry_no_truncate before truncate on audit_entry
    for each statement execute function audit_refuse_change();
