#!/usr/bin/env bash
# End-to-end tests on containers; with NOVA_E2E_PROVIDER=processes on processes, without Docker. Arguments go to the test binary.
# Not nextest: one process for all tests lets them share a stack (docs/decisions/0004-end-to-end-tests-share-a-stack.md).
# NOVA_IMAGES=upstream|local says which images; without it, upstream ones wherever they can be pulled.
set -euo pipefail

# One set of features for everything below, so that it is compiled once.
packages=(-p nova-e2e -p nova-testbed --features nova-testbed/containers)
end_to_end() {
    local log status=0
    log=$(mktemp)
    # Each wait in the tests has a limit of its own; this one is for a test that hangs in spite of them.
    timeout --kill-after=10 2400 cargo test "${packages[@]}" --test e2e -- "$@" 2>&1 | tee "$log" || status=$?
    if [ $status -eq 0 ] && grep -q '^running 0 tests' "$log"; then
        echo "no test has a name like: $*" >&2
        status=1
    fi
    rm -f "$log"
    return $status
}

if [ "${NOVA_E2E_PROVIDER:-containers}" = processes ]; then
    end_to_end "$@"
    exit
fi

finish() {
    # A stack's own watchdog may be removing the same containers at this moment.
    infra/images/clean.sh --containers || true
    infra/dist/doctor.sh stop-docker
}
trap finish EXIT

infra/dist/doctor.sh e2e
NOVA_IMAGES=${NOVA_IMAGES:-$(infra/images/choose.sh)}
export NOVA_IMAGES
echo "end-to-end tests with $NOVA_IMAGES images" >&2
if [ "$NOVA_IMAGES" = local ]; then infra/images/build.sh; fi

end_to_end "$@"
# The testbed's own promises, kept with containers too.
if [ $# -eq 0 ]; then cargo nextest run "${packages[@]}" -E 'package(nova-testbed) & test(containers)'; fi
