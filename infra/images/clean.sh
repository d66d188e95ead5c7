#!/usr/bin/env bash
# Removes what stacks left behind: containers and networks labelled nova-testbed and, without --containers, run directories.
# --images: the local images too. Touches nothing else, and starts no daemon.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=images.env
source images.env
root=$(cd ../.. && pwd)

if command -v docker >/dev/null && timeout 10 docker version >/dev/null 2>&1; then
    # Several times: a watchdog may be at the same containers, and a network goes only after its last one.
    for _ in 1 2 3 4 5; do
        mapfile -t containers < <(docker ps --all --quiet --filter label=nova-testbed)
        mapfile -t networks < <(docker network ls --quiet --filter label=nova-testbed)
        if [ $((${#containers[@]} + ${#networks[@]})) -eq 0 ]; then break; fi
        if [ ${#containers[@]} -gt 0 ]; then docker rm --force --volumes "${containers[@]}" >/dev/null 2>&1 || true; fi
        if [ ${#networks[@]} -gt 0 ]; then docker network rm "${networks[@]}" >/dev/null 2>&1 || true; fi
    done
    if [ "${1:-}" = --images ]; then
        for image in "$NOVA_LOCAL_POSTGRES" "$NOVA_LOCAL_KAFKA" "$NOVA_LOCAL_CONNECT" "$NOVA_LOCAL_CLICKHOUSE" "$NOVA_LOCAL_REDIS" "$NOVA_LOCAL_BASE"; do
            docker image rm "$image" >/dev/null 2>&1 || true
        done
    fi
elif [ "${1:-}" = --images ]; then
    echo "no Docker daemon answers: images were left as they are" >&2
fi

if [ "${1:-}" != --containers ]; then
    # The record of a daemon that was started here stays for `doctor.sh stop-docker`.
    find "$root/.nova" -mindepth 1 -maxdepth 1 ! -name 'dockerd.*' -exec rm -rf {} + 2>/dev/null || true
fi
