# shellcheck shell=bash
# Installs what is missing on a Debian machine, and says so. To be sourced.
#
#   need_command COMMAND PACKAGE WHY…   unless the command is there
#   need_postgres WHY…                  unless a server of version 15 or later is there
#   postgres_bin                        prints the folder of its binaries
#   need_wheels NAME WHY…               the programs that tests/tools/NAME.txt lists, put on PATH
#   need_node WHY…                      unless a Node of version 20 or later is there

say() { printf '%s\n' "$*" >&2; }

die() {
    say "error: $*"
    exit 1
}

# Runs a command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -- "$@"
    else
        die "this needs root and there is no sudo: $*"
    fi
}

# The package lists are only fetched when an installation fails without them.
install_packages() {
    command -v apt-get >/dev/null || die "there is no apt-get here; please install these yourself: $*"
    local log
    log=$(mktemp)
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@")
    if ! as_root "${install[@]}" >"$log" 2>&1; then
        if ! { as_root apt-get update -qq && as_root "${install[@]}"; } >"$log" 2>&1; then
            tail -n 20 "$log" >&2
            rm -f "$log"
            die "apt-get could not install: $*"
        fi
    fi
    rm -f "$log"
}

need_command() {
    local command=$1 package=$2
    shift 2
    if ! command -v "$command" >/dev/null; then
        say "Installing $package: $*"
        install_packages "$package"
    fi
}

# The newest server of version 15 or later, from PATH or where Debian keeps them, as the portal finds it.
postgres_bin() {
    local dir version best="" best_version=0
    local dirs=()
    IFS=: read -r -a dirs <<<"$PATH"
    for dir in "${dirs[@]}" /usr/lib/postgresql/*/bin /usr/local/lib/postgresql/*/bin /opt/postgresql/*/bin; do
        if [ -x "$dir/postgres" ] && [ -x "$dir/initdb" ]; then
            version=$("$dir/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/')
            if [ "$version" -ge 15 ] && [ "$version" -gt "$best_version" ]; then
                # Where it really is: a link may stand apart from the tools beside it.
                best=$(dirname "$(readlink -f "$dir/postgres")") best_version=$version
            fi
        fi
    done
    [ -n "$best" ] && printf '%s\n' "$best"
}

need_postgres() {
    if ! postgres_bin >/dev/null; then
        say "Installing postgresql: $*"
        install_packages postgresql
        postgres_bin >/dev/null || die "the Postgres that apt-get installed is older than version 15; install a newer one"
    fi
}

# Wheels go into a virtual environment under target/, so that nothing on the machine changes.
need_wheels() {
    local name=$1 dir list
    shift
    list=tests/tools/$name.txt
    dir=target/tools/$name
    if ! cmp -s "$list" "$dir/installed.txt"; then
        say "Installing what $list lists: $*"
        # Python alone is not enough on Debian: the part that makes environments is a package of its own.
        python3 -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
        rm -rf "$dir"
        python3 -m venv "$dir"
        "$dir/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: -r "$list" || die "pip could not install what $list lists"
        cp "$list" "$dir/installed.txt"
    fi
    PATH=$PWD/$dir/bin:$PATH
}

need_node() {
    local version
    version=$(node --version 2>/dev/null || echo v0)
    version=${version#v}
    if [ "${version%%.*}" -lt 20 ] || ! command -v npm >/dev/null; then
        need_wheels node "$@"
    fi
}
