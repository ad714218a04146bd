# Sourced by ./run: a PostgreSQL server of the tests' own, on a socket in a folder of its own; stopped when ./run ends.
# Sets TEST_POSTGRESQL_URL, or TEST_POSTGRESQL_SKIP to the reason why there is none.

postgresql_folder=

postgresql_programs() { # the folder of initdb and pg_ctl, the newest version
    local found
    for found in $(ls -d /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV); do
        [ -x "$found/initdb" ] && echo "$found" && return
    done
    found=$(command -v initdb) && dirname "$found"
}

as_postgres() { # the server refuses to run as root
    if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

stop_postgresql() {
    [ -n "$postgresql_folder" ] || return 0
    as_postgres "$(postgresql_programs)/pg_ctl" stop --silent --mode immediate --pgdata "$postgresql_folder/data" || true
    rm -rf "$postgresql_folder"
}

start_postgresql() {
    local programs
    [ -z "${TEST_POSTGRESQL_URL:-}" ] || return 0
    if ! programs=$(postgresql_programs) && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "run: installing PostgreSQL for the tests ..." >&2
        { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql; } >/dev/null 2>&1 || true
    fi
    if ! programs=$(postgresql_programs); then
        export TEST_POSTGRESQL_SKIP="no PostgreSQL server here, and without root and apt-get none can be installed"
        return 0
    fi
    postgresql_folder=$(mktemp -d /tmp/zhijian-pg.XXXXXX)
    trap stop_postgresql EXIT
    [ "$(id -u)" != 0 ] || chown postgres "$postgresql_folder"
    as_postgres "$programs/initdb" --pgdata "$postgresql_folder/data" --username postgres --auth trust --encoding UTF8 \
        --locale C --no-sync >/dev/null
    as_postgres "$programs/pg_ctl" start --silent --wait --pgdata "$postgresql_folder/data" \
        --log "$postgresql_folder/log" --options "-c listen_addresses='' -c fsync=off -k $postgresql_folder"
    export TEST_POSTGRESQL_URL="postgresql+psycopg://postgres@/postgres?host=$postgresql_folder"
}
