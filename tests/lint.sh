#!/usr/bin/env bash
# Everything that can be said about the code without running it. Compiles once for clippy; the docs use
# the same artefacts.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/need.sh
. tests/tools/need.sh

export SQLX_OFFLINE=true
failed=()
step() {
    local name=$1
    shift
    if "$@"; then
        say "ok      $name"
    else
        say "FAILED  $name: $*"
        failed+=("$name")
    fi
}

need_command cc build-essential "Rust links with it"
need_command git git "it tells which files are ours"
need_wheels lint "linters for scripts, Dockerfile, workflow and prose"

mapfile -t scripts < <(git ls-files --cached --others --exclude-standard | while read -r file; do
    case $file in
        golden-paths/* | tests/data/*) ;; # rendered before they are scripts
        *.sh | .ci/run) printf '%s\n' "$file" ;;
    esac
done)

step format cargo fmt --check
step scripts shellcheck -x "${scripts[@]}"
step dockerfile hadolint Dockerfile
step compose check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
step workflow-schema check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/ci.yaml
step workflow-safety zizmor --quiet --offline --no-progress .github/workflows
step spelling typos --format brief
step dependencies cargo-deny --log-level error check --hide-inclusion-graph bans licenses sources
step clippy cargo clippy --locked --quiet --all-targets -- -D warnings
step docs env RUSTDOCFLAGS=-Dwarnings cargo doc --locked --quiet --no-deps --document-private-items

if [ "${#failed[@]}" -gt 0 ]; then
    say "Failed: ${failed[*]}"
    exit 1
fi
