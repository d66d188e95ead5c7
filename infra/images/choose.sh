#!/usr/bin/env bash
# Prints `upstream` when every upstream image is here or can be pulled, else `local`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=images.env
source images.env

for image in "$NOVA_UPSTREAM_REDIS" "$NOVA_UPSTREAM_POSTGRES" "$NOVA_UPSTREAM_KAFKA" "$NOVA_UPSTREAM_CONNECT" "$NOVA_UPSTREAM_CLICKHOUSE"; do
    if docker image inspect "$image" >/dev/null 2>&1; then continue; fi
    echo "pulling $image" >&2
    # The first is small: where it cannot be had, none can, and that shows within seconds.
    if ! answer=$(timeout 600 docker pull --quiet "$image" 2>&1); then
        printf 'cannot pull %s (%s): using images built here\n' "$image" "${answer##*$'\n'}" >&2
        echo local
        exit
    fi
done
echo upstream
