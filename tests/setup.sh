#!/usr/bin/env bash
# What `make run` needs besides Rust: Postgres and Git. Installs only what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/need.sh
. tests/tools/need.sh

command -v cargo >/dev/null || die "there is no cargo; install Rust 1.95 or later (https://rustup.rs)"
need_command cc build-essential "Rust links with it"
need_command git git "repositories of the local code host are written with it"
if [ -z "${DATABASE_URL:-}${DATABASE_URL_FILE:-}" ]; then
    need_postgres "the portal runs a private one in its data folder (Debian's own cluster on port 5432 is not used)"
fi
