#!/usr/bin/env bash
# Builds the local images from the packages of infra/dist; skips each whose inputs have not changed.
# --stop-docker: a Docker daemon that had to be started for it is stopped at the end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=images.env
source images.env

root=$(cd ../.. && pwd)
target=$(cd "$root" && realpath -m "${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-target}}")/debug
log=$(mktemp)
finish() {
    rm -f "$log"
    if [ "$stop_docker" = yes ]; then "$root/infra/dist/doctor.sh" stop-docker; fi
}
stop_docker=no
if [ "${1:-}" = --stop-docker ]; then stop_docker=yes && shift; fi
trap finish EXIT
"$root/infra/dist/doctor.sh" images
# Without BuildKit's plugin the classic builder does, and it has to be asked for by name.
if ! docker buildx version >/dev/null 2>&1; then export DOCKER_BUILDKIT=0; fi

inputs_of() { docker image inspect --format '{{index .Config.Labels "nova.inputs"}}' "$1" 2>/dev/null || true; }
hash_files() { (cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum) | sha256sum; }

# path_of KEY: where a package is installed
paths=$("$target/nova-dist" paths)
path_of() { sed -n "s/.*\"$1\": \"\(.*\)\".*/\1/p" <<<"$paths"; }

# build NAME IMAGE INPUTS [DIRECTORY FILE…]…: each FILE of a DIRECTORY goes into the context, beside the folder NAME
build() {
    local name=$1 image=$2 inputs old started=$SECONDS arguments=()
    inputs=$( (hash_files "$name" && printf '%s\n' "$base_id" "$3" && cat build.sh) | sha256sum | cut -c1-16)
    if [ "$(inputs_of "$image")" = "$inputs" ]; then
        echo "$image: unchanged"
        return
    fi
    shift 3
    while [ $# -gt 0 ]; do
        arguments+=(-C "$1")
        shift
        while [ $# -gt 0 ] && [ "${1:0:1}" != / ]; do arguments+=("$1") && shift; done
    done
    old=$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null || true)
    # The classic builder announces its own end on standard error each time.
    if ! tar -c -C "$PWD/$name" . "${arguments[@]}" |
        docker build --quiet --build-arg "BASE=$NOVA_LOCAL_BASE" --label "nova.inputs=$inputs" --tag "$image" - >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
    # The image this one replaces has no name any more; a container may still run it.
    if [ -n "$old" ]; then docker image rm "$old" >/dev/null 2>&1 || true; fi
    echo "$image: built in $((SECONDS - started)) s"
}

started=$SECONDS
base_inputs=$( (hash_files base && cat /etc/os-release) | sha256sum | cut -c1-16)
if [ "$(inputs_of "$NOVA_LOCAL_BASE")" = "$base_inputs" ]; then
    echo "$NOVA_LOCAL_BASE: unchanged"
else
    base/build.sh "$NOVA_LOCAL_BASE" "$base_inputs"
    echo "$NOVA_LOCAL_BASE: built in $((SECONDS - started)) s"
fi
base_id=$(docker image inspect --format '{{.Id}}' "$NOVA_LOCAL_BASE")

# A package's directory names its contents.
postgres=$(dirname "$(path_of postgres_bin)")
kafka=$(dirname "$(path_of kafka_libs)")
debezium=$(dirname "$(path_of connect_plugins)")
engine=$(dirname "$(dirname "$(path_of libchdb)")")
valkey=$(dirname "$(dirname "$(path_of valkey_server)")")
server=$(sha256sum "$target/nova-chdb-server")

build postgres "$NOVA_LOCAL_POSTGRES" "$postgres" "$postgres" bin lib share
build redis "$NOVA_LOCAL_REDIS" "$valkey" "$valkey" bin
build kafka "$NOVA_LOCAL_KAFKA" "$kafka" "$kafka" libs
logging=$(sha256sum kafka/log4j2.properties)
build connect "$NOVA_LOCAL_CONNECT" "$kafka $debezium $logging" "$kafka" libs "$debezium" plugins "$PWD/kafka" log4j2.properties
build clickhouse "$NOVA_LOCAL_CLICKHOUSE" "$engine $server" "$engine" lib/libchdb.so "$target" nova-chdb-server
