#!/usr/bin/env bash
# Writes anew what the checked statements (`sqlx::query!` and its kin) know of the database, into .sqlx,
# so that a build needs no database. With --check it changes nothing and fails if something would change.
#
# The macros of sqlx 0.9 write one file per statement into SQLX_OFFLINE_DIR when they have asked a
# database. Statements that are gone leave no file, because the folder begins empty.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/need.sh
. tests/tools/need.sh
# shellcheck source=tests/tools/cluster.sh
. tests/tools/cluster.sh

check=no
case "${1:-}" in
    --check) check=yes ;;
    "") ;;
    *) die "unknown argument $1; there is only --check" ;;
esac

need_postgres "the checked statements are compared with a real schema"
need_command cc build-essential "Rust links with it"

fresh=""
finish() {
    cluster_stop
    [ -z "$fresh" ] || rm -rf "$fresh"
}
trap finish EXIT
cluster_start
for migration in migrations/*.sql; do
    cluster_psql -1 -f "$migration" "$CLUSTER_URL" >/dev/null
done

fresh=$(mktemp -d)
# The compiler does not know that the macros look at a database: a new time makes it ask them again.
touch src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh DATABASE_URL=$CLUSTER_URL cargo check --locked --lib --quiet
count=$(find "$fresh" -name 'query-*.json' | wc -l)
[ "$count" -gt 0 ] || die "no statement was asked; is the database of the macros another one?"

if [ "$check" = yes ]; then
    diff -rq .sqlx "$fresh" || die ".sqlx is not what the schema and the statements say; run \`make sqlx\` and commit the result"
    say ".sqlx is fresh: $count statements"
else
    mkdir -p .sqlx
    find .sqlx -name 'query-*.json' -delete
    cp "$fresh"/query-*.json .sqlx/
    say "$count statements written to .sqlx"
fi
