#!/usr/bin/env bash
# Writes the worker's configuration from the variables of the upstream image, then becomes the worker.
set -euo pipefail

if [ "${1:-start}" != start ]; then exec "$@"; fi

home=/kafka
config=$home/config/connect-distributed.properties

: "${CONFIG_STORAGE_TOPIC:?is not set}" "${OFFSET_STORAGE_TOPIC:?is not set}" "${STATUS_STORAGE_TOPIC:?is not set}"
address=${HOST_NAME:-$(hostname -i | cut -d' ' -f1)}
port=${REST_PORT:-8083}
export CONNECT_BOOTSTRAP_SERVERS=${BOOTSTRAP_SERVERS:-0.0.0.0:9092}
export CONNECT_GROUP_ID=${GROUP_ID:-1}
export CONNECT_CONFIG_STORAGE_TOPIC=$CONFIG_STORAGE_TOPIC
export CONNECT_OFFSET_STORAGE_TOPIC=$OFFSET_STORAGE_TOPIC
export CONNECT_STATUS_STORAGE_TOPIC=$STATUS_STORAGE_TOPIC
export CONNECT_KEY_CONVERTER=${KEY_CONVERTER:-org.apache.kafka.connect.json.JsonConverter}
export CONNECT_VALUE_CONVERTER=${VALUE_CONVERTER:-org.apache.kafka.connect.json.JsonConverter}
export CONNECT_LISTENERS=${CONNECT_LISTENERS:-http://0.0.0.0:$port}
export CONNECT_REST_ADVERTISED_HOST_NAME=${ADVERTISED_HOST_NAME:-$address}
export CONNECT_REST_ADVERTISED_PORT=${ADVERTISED_PORT:-$port}
export CONNECT_OFFSET_FLUSH_INTERVAL_MS=${OFFSET_FLUSH_INTERVAL_MS:-${CONNECT_OFFSET_FLUSH_INTERVAL_MS:-60000}}
export CONNECT_OFFSET_FLUSH_TIMEOUT_MS=${OFFSET_FLUSH_TIMEOUT_MS:-${CONNECT_OFFSET_FLUSH_TIMEOUT_MS:-5000}}
export CONNECT_TASK_SHUTDOWN_GRACEFUL_TIMEOUT_MS=${SHUTDOWN_TIMEOUT:-10000}
export CONNECT_PLUGIN_PATH=${CONNECT_PLUGIN_PATH:-$home/connect}
# One broker is all there is in a test; the upstream image leaves Kafka's default of three.
for topic in CONFIG OFFSET STATUS; do
    name=CONNECT_${topic}_STORAGE_REPLICATION_FACTOR
    export "$name=${!name:-1}"
done

: >"$config"
while IFS='=' read -r -d '' name value; do
    if [[ $name == CONNECT_* ]]; then
        property=${name#CONNECT_}
        property=${property,,}
        printf '%s=%s\n' "${property//_/.}" "$value" >>"$config"
    fi
done < <(env -0)

# shellcheck disable=SC2086 # options are words
exec java ${HEAP_OPTS:-${KAFKA_HEAP_OPTS:-}} ${KAFKA_OPTS:-} -Djava.awt.headless=true \
    "-Dlog4j2.configurationFile=$home/config/log4j2.properties" \
    -cp "$home/libs/*" org.apache.kafka.connect.cli.ConnectDistributed "$config"
