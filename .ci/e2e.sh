#!/usr/bin/env bash
# End-to-end tests on containers. Arguments go to the test binary.
# Not nextest: one process for all tests lets them share a stack (docs/decisions/0004-end-to-end-tests-share-a-stack.md).
# NOVA_IMAGES=upstream|local says which images; without it, upstream ones wherever they can be pulled.
set -euo pipefail

finish() {
    infra/images/clean.sh --containers
    infra/dist/doctor.sh stop-docker
}
trap finish EXIT

infra/dist/doctor.sh e2e
NOVA_IMAGES=${NOVA_IMAGES:-$(infra/images/choose.sh)}
export NOVA_IMAGES
echo "end-to-end tests with $NOVA_IMAGES images" >&2
if [ "$NOVA_IMAGES" = local ]; then infra/images/build.sh; fi

cargo test -p nova-e2e --tests -- "$@"
# The testbed's own promises, kept with containers too.
if [ $# -eq 0 ]; then cargo nextest run -p nova-testbed --features containers -E 'test(containers)'; fi
