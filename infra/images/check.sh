#!/usr/bin/env bash
# Starts one container of each local image on a network of its own and checks that it answers, also after a restart.
# `check.sh upstream` does the same with the upstream images: both have to behave alike.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=images.env
source images.env

kind=${1:-local}
kind=${kind^^}
run=nova-check-$$
image() { local name=NOVA_${kind}_$1 && echo "${!name}"; }

finish() {
    local status=$?
    if [ $status -ne 0 ]; then
        for container in $(docker ps --all --quiet --filter "label=nova-testbed=$run"); do
            echo "--- $(docker inspect --format '{{.Name}}' "$container")" >&2
            docker logs --tail 15 "$container" >&2 || true
        done
    fi
    docker ps --all --quiet --filter "label=nova-testbed=$run" | xargs -r docker rm --force --volumes >/dev/null
    docker network rm "$run" >/dev/null 2>&1 || true
    exit $status
}
trap finish EXIT
docker network create --label "nova-testbed=$run" "$run" >/dev/null

# start NAME PORT OPTION…: everything after the port goes to `docker run`
start() {
    local name=$1 port=$2
    shift 2
    docker run --detach --name "$run-$name" --network "$run" --network-alias "$name" \
        --label "nova-testbed=$run" --publish "127.0.0.1::$port" "$@" >/dev/null
}
address() { docker port "$run-$1" "$2" | head -n 1; }

# until_ok SECONDS WHAT COMMAND…
until_ok() {
    local limit=$1 what=$2 started=$SECONDS answer
    shift 2
    until answer=$("$@" 2>&1); do
        if [ $((SECONDS - started)) -ge "$limit" ]; then
            echo "FAILED: $what after $limit s: $answer" >&2
            return 1
        fi
        sleep 0.2
    done
    echo "ok: $what ($((SECONDS - started)) s)"
}

# PostgreSQL's own protocol: an SSL request is answered with one byte, S or N.
postgres_answers() {
    local at answer
    at=$(address postgres 5432)
    answer=$(printf '\0\0\0\x08\x04\xd2\x16\x2f' | timeout 2 bash -c "exec 3<>/dev/tcp/${at%:*}/${at#*:}; cat >&3; head -c 1 <&3")
    [ "$answer" = S ] || [ "$answer" = N ]
}
redis_answers() {
    local at answer
    at=$(address redis 6379)
    answer=$(timeout 2 bash -c "exec 3<>/dev/tcp/${at%:*}/${at#*:}; printf 'PING\r\n' >&3; head -n 1 <&3")
    [ "${answer%$'\r'}" = +PONG ]
}
clickhouse() { curl -fsS --max-time 10 --user nova:secret --data-binary "$1" "http://$(address clickhouse 8123)/"; }
clickhouse_says() { [ "$(clickhouse "$1")" = "$2" ]; }
clickhouse_refuses() { ! curl -fsS --max-time 10 --user nova:wrong --data-binary 'SELECT 1' "http://$(address clickhouse 8123)/" >/dev/null 2>&1; }
connect_has_debezium() {
    curl -fsS --max-time 5 "http://$(address connect 8083)/connector-plugins" | grep -q io.debezium.connector.postgresql.PostgresConnector
}
log_says() { docker logs "$run-$1" 2>&1 | grep -q "$2"; }

start postgres 5432 -e POSTGRES_USER=nova -e POSTGRES_PASSWORD=secret -e POSTGRES_DB=nova "$(image POSTGRES)" postgres -c wal_level=logical
start redis 6379 "$(image REDIS)" redis-server --save '' --maxmemory 64mb
start kafka 9092 \
    -e KAFKA_NODE_ID=1 -e KAFKA_PROCESS_ROLES=broker,controller \
    -e KAFKA_LISTENERS=INTERNAL://:9092,CONTROLLER://:9093 -e KAFKA_ADVERTISED_LISTENERS=INTERNAL://kafka:9092 \
    -e KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT \
    -e KAFKA_INTER_BROKER_LISTENER_NAME=INTERNAL -e KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER \
    -e KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9093 -e KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1 \
    -e KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1 -e KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1 "$(image KAFKA)"
start clickhouse 8123 -e CLICKHOUSE_USER=nova -e CLICKHOUSE_PASSWORD=secret -e NOVA_KAFKA_BROKER_LIST=kafka:9092 \
    -v "$PWD/../../clickhouse/config.d/nova.xml:/etc/clickhouse-server/config.d/nova.xml:ro" "$(image CLICKHOUSE)"
until_ok 60 'kafka starts' log_says kafka 'Kafka Server started'
start connect 8083 -e BOOTSTRAP_SERVERS=kafka:9092 -e GROUP_ID=nova \
    -e CONFIG_STORAGE_TOPIC=c -e OFFSET_STORAGE_TOPIC=o -e STATUS_STORAGE_TOPIC=s \
    -e CONNECT_CONFIG_STORAGE_REPLICATION_FACTOR=1 -e CONNECT_OFFSET_STORAGE_REPLICATION_FACTOR=1 \
    -e CONNECT_STATUS_STORAGE_REPLICATION_FACTOR=1 \
    -e CONNECT_CONFIG_PROVIDERS=env -e CONNECT_CONFIG_PROVIDERS_ENV_CLASS=org.apache.kafka.common.config.provider.EnvVarConfigProvider \
    "$(image CONNECT)"

until_ok 60 'postgres answers' postgres_answers
until_ok 10 'redis answers' redis_answers
until_ok 60 'clickhouse answers' clickhouse 'SELECT 1'
until_ok 1 'clickhouse refuses a wrong password' clickhouse_refuses
clickhouse 'CREATE TABLE kept (x UInt8) ENGINE = MergeTree ORDER BY x'
clickhouse 'INSERT INTO kept VALUES (1), (2)'
# The broker through the container network, as named by the configuration file.
clickhouse "CREATE TABLE k (x Nullable(UInt8)) ENGINE = Kafka(nova_kafka) SETTINGS kafka_topic_list = 't', kafka_group_name = 'g', kafka_format = 'JSONEachRow'"
clickhouse "CREATE MATERIALIZED VIEW k_kept TO kept AS SELECT assumeNotNull(x) AS x FROM k"
clickhouse "INSERT INTO k SELECT 3"
until_ok 60 'clickhouse consumes what it wrote to kafka' clickhouse_says 'SELECT sum(x) FROM kept' 6
until_ok 90 'connect has the Debezium plugin' connect_has_debezium

for server in postgres redis clickhouse kafka connect; do
    docker kill "$run-$server" >/dev/null
    docker start "$run-$server" >/dev/null
done
until_ok 60 'postgres answers after kill and start' postgres_answers
until_ok 10 'redis answers after kill and start' redis_answers
until_ok 60 'clickhouse has its rows after kill and start' clickhouse_says 'SELECT sum(x) FROM kept' 6
until_ok 120 'connect works after kill and start' connect_has_debezium
clickhouse "INSERT INTO k SELECT 4"
until_ok 90 'kafka kept its topics: clickhouse consumes again' clickhouse_says 'SELECT sum(x) FROM kept' 10

started=$SECONDS
docker stop --time 30 "$run-connect" "$run-clickhouse" "$run-kafka" "$run-postgres" "$run-redis" >/dev/null
echo "ok: all stop when asked ($((SECONDS - started)) s)"
