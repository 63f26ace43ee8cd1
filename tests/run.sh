#!/usr/bin/env bash
# All tests: installs what they need and is missing, starts one throw-away Postgres, runs cargo's tests
# and then the journeys in a real browser. It ends with the list of counterparts that were absent, each
# with what was therefore not tried.
#
# With CI=true an absence fails the run unless ALLOW_ABSENT names it (names, separated by commas).
# Tests append their own absences to the file that SLIPWAY_ABSENT names: `name: what was not tried`.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/tools/need.sh
. tests/tools/need.sh
# shellcheck source=tests/tools/cluster.sh
. tests/tools/cluster.sh

SLIPWAY_ABSENT=$(mktemp)
export SLIPWAY_ABSENT
finish() {
    cluster_stop
    rm -f "$SLIPWAY_ABSENT"
}
trap finish EXIT

absent() { printf '%s: %s\n' "$1" "$2" >>"$SLIPWAY_ABSENT"; }

need_command cc build-essential "Rust links with it"
need_command git git "the local code host and its tests call it"
need_postgres "every test has a database of its own"
browser=yes
if ! (need_command chromium chromium "the journeys run in a real browser") || ! (need_node "the journeys are driven by it"); then
    browser=no
    absent browser "the journeys in tests/browser"
fi

# What no machine of ours has. Said each time, so that nobody takes a green run for more than it is.
absent github "the real GitHub; a simulation that is held to GitHub's published description stands in"
absent github-enterprise "a GitHub Enterprise Server; its addresses are tried on the simulation"
absent otlp-collector "sending traces to a collector"
if ! docker info >/dev/null 2>&1; then
    absent docker-engine "building and starting the image and docker-compose.yml; \`make lint\` checks their text"
fi

cluster_start
export SLIPWAY_TEST_DATABASE_URL=$CLUSTER_URL
# The committed .sqlx, whatever database the environment names.
export SQLX_OFFLINE=true
unset DATABASE_URL

failed=0
say "Compiling; the first time takes about ten minutes"
cargo test --locked --quiet --no-run
cargo test --locked --quiet --no-fail-fast || failed=1

if [ "$browser" = yes ]; then
    need_node "the journeys are driven by it"
    installed=tests/browser/node_modules/.package-lock.json
    if [ ! -e "$installed" ] || [ tests/browser/package-lock.json -nt "$installed" ]; then
        say "Installing the node modules of tests/browser"
        (cd tests/browser && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --no-audit --no-fund)
    fi
    # cargo's tests have built the binary that they start; building it again would pick other features.
    target=${CARGO_TARGET_DIR:-target}
    SLIPWAY_BIN=$(realpath "$target/debug/slipway") node tests/browser/run.mjs || failed=1
fi

say ""
say "Absent, and therefore not tried:"
sort -u "$SLIPWAY_ABSENT" | sed 's/^/  /' >&2
if [ "${CI:-}" = true ]; then
    while IFS=: read -r name _; do
        case ",${ALLOW_ABSENT:-}," in
            *",$name,"*) ;;
            *)
                say "error: $name is absent and ALLOW_ABSENT does not name it"
                failed=1
                ;;
        esac
    done < <(sort -u "$SLIPWAY_ABSENT")
fi
[ "$failed" -eq 0 ]
