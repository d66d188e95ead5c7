#!/usr/bin/env bash
# Writes server.properties from KAFKA_* variables, formats the storage on the first start, becomes the broker.
set -euo pipefail

home=/opt/kafka
config=$home/config/server.properties
classpath="$home/libs/*"

# Variables that are not configuration: the JVM's.
not_config='^KAFKA_(HEAP_OPTS|OPTS|JVM_PERFORMANCE_OPTS|LOG4J_OPTS|GC_LOG_OPTS|JMX_OPTS|JMX_PORT|VERSION|CLUSTER_ID)$'

# KAFKA_A_B is a.b; two underscores stand for one, three for a dash.
property() {
    local name=${1#KAFKA_}
    name=${name,,}
    name=${name//___/-}
    name=${name//__/$'\n'}
    name=${name//_/.}
    printf '%s' "${name//$'\n'/_}"
}

: >"$config"
while IFS='=' read -r -d '' name value; do
    if [[ $name == KAFKA_* && ! $name =~ $not_config ]]; then
        printf '%s=%s\n' "$(property "$name")" "$value" >>"$config"
    fi
done < <(env -0)

if [ ! -s "$config" ]; then
    cat >"$config" <<-'DEFAULT'
		node.id=1
		process.roles=broker,controller
		listeners=PLAINTEXT://:9092,CONTROLLER://:9093
		advertised.listeners=PLAINTEXT://localhost:9092
		controller.listener.names=CONTROLLER
		listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
		controller.quorum.voters=1@localhost:9093
		offsets.topic.replication.factor=1
		transaction.state.log.replication.factor=1
		transaction.state.log.min.isr=1
		share.coordinator.state.topic.replication.factor=1
		share.coordinator.state.topic.min.isr=1
	DEFAULT
fi
if ! grep -q '^log\.dirs\?=' "$config"; then echo 'log.dirs=/var/lib/kafka/data' >>"$config"; fi
data=$(sed -n 's/^log\.dirs\?=\([^,]*\).*/\1/p' "$config")

# shellcheck disable=SC2206 # options are words
options=(${KAFKA_HEAP_OPTS:-} ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-}
    -Djava.awt.headless=true "-Dlog4j2.configurationFile=$home/config/log4j2.properties")

if [ ! -f "$data/meta.properties" ]; then
    standalone=--standalone
    if grep -q '^controller\.quorum\.voters=' "$config"; then standalone=; fi
    # shellcheck disable=SC2086 # empty is no argument
    java "${options[@]}" -XX:TieredStopAtLevel=1 -cp "$classpath" kafka.tools.StorageTool format --ignore-formatted \
        --cluster-id "${CLUSTER_ID:-5L6g3nShT-eMCtK--X86sw}" --config "$config" $standalone
fi
exec java "${options[@]}" -cp "$classpath" kafka.Kafka "$config"
