#!/usr/bin/env bash
# Creates the cluster on the first start, as the upstream image does; then becomes PostgreSQL.
set -euo pipefail

if [ "${1:0:1}" = - ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R postgres:postgres "$(dirname "$PGDATA")"
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD:?is not set, and the superuser needs a password}"
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-local=trust \
        --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions >/dev/null
    printf '\nhost all all all scram-sha-256\nhost replication all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\nunix_socket_directories = '/tmp'\n" >>"$PGDATA/postgresql.conf"
    if [ "$database" != postgres ]; then
        printf 'CREATE DATABASE "%s"\n' "${database//\"/\"\"}" |
            postgres --single -c fsync=off -D "$PGDATA" postgres >/dev/null
    fi
    # The upstream image runs a server of its own here, for scripts; its readiness message on standard output
    # is what container clients count.
    pg_ctl -o "-c listen_addresses='' -c fsync=off" --wait start
    pg_ctl --mode=fast --wait stop >/dev/null
    echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
