-- The sweep destroys the secrets of runs that failed; few rows have any.
create index runs_run_secrets on runs_run (ended_at) where secrets <> ''::bytea;
