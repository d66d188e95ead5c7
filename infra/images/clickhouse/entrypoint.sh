#!/usr/bin/env bash
# The ClickHouse engine behind its HTTP interface, with the user of the upstream image's variables.
set -euo pipefail

if [ $# -gt 0 ] && [ "${1:0:1}" != - ]; then exec "$@"; fi

export NOVA_CHDB_USER=${CLICKHOUSE_USER:-default}
export NOVA_CHDB_PASSWORD=${CLICKHOUSE_PASSWORD:-}
exec /usr/bin/nova-chdb-server --lib /usr/lib/libchdb.so --listen 0.0.0.0:8123 --path /var/lib/clickhouse \
    --config-file /etc/clickhouse-server/config.xml "$@"
