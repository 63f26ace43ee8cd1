# shellcheck shell=bash
# A throw-away Postgres: fast, forgetful, for one run. To be sourced after need.sh.
#
#   cluster_start       makes and starts it; sets CLUSTER_URL (superuser, database postgres)
#   cluster_stop        stops it and removes everything
#   cluster_psql ARGS…  runs psql on it

CLUSTER_DIR=""
export CLUSTER_URL=""

# Postgres refuses to run as root: another user does it then.
cluster_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id -u postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

# From a folder that this user may enter, too.
cluster_as() {
    local user
    user=$(cluster_user)
    cd /
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups --reset-env -- "$@"
    else
        "$@"
    fi
}

cluster_start() {
    local bin password port try user
    bin=$(postgres_bin) || die "there is no Postgres 15 or later"
    CLUSTER_DIR=$(mktemp -d "${TMPDIR:-/tmp}/slipway-pg.XXXXXX")
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '%s\n' "$password" >"$CLUSTER_DIR/password"
    user=$(cluster_user)
    [ "$(id -u)" -ne 0 ] || chown -R "$user:" "$CLUSTER_DIR"
    # With a password: on a shared machine nobody else may become this server's superuser.
    if ! (cluster_as "$bin/initdb" -D "$CLUSTER_DIR/data" -U postgres -A scram-sha-256 \
        --pwfile="$CLUSTER_DIR/password" --encoding=UTF8 --locale=C.UTF-8 --no-sync) >"$CLUSTER_DIR/initdb.log" 2>&1; then
        cat "$CLUSTER_DIR/initdb.log" >&2
        die "initdb failed"
    fi
    # Nothing here outlives the run, so nothing needs to reach the disk.
    cat >>"$CLUSTER_DIR/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
unix_socket_directories = '$CLUSTER_DIR'
max_connections = 200
shared_buffers = 128MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum_naptime = 10s
jit = off
log_min_messages = warning
CONF
    for try in 1 2 3 4 5 6; do
        port=$((20000 + (RANDOM + try * 7919) % 10000))
        if (cluster_as "$bin/pg_ctl" -D "$CLUSTER_DIR/data" -l "$CLUSTER_DIR/server.log" -o "-p $port" -w -t 60 start) >/dev/null 2>&1; then
            CLUSTER_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
            return
        fi
    done
    tail -n 20 "$CLUSTER_DIR/server.log" >&2
    die "the throw-away Postgres does not start"
}

cluster_stop() {
    [ -n "$CLUSTER_DIR" ] || return 0
    local bin
    if bin=$(postgres_bin) && [ -f "$CLUSTER_DIR/data/postmaster.pid" ]; then
        (cluster_as "$bin/pg_ctl" -D "$CLUSTER_DIR/data" -m immediate -w stop) >/dev/null 2>&1 || true
    fi
    rm -rf "$CLUSTER_DIR"
    CLUSTER_DIR=""
}

cluster_psql() {
    "$(postgres_bin)/psql" -X -q -v ON_ERROR_STOP=1 "$@"
}
