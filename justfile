# Nova's commands. `./justw` runs them without an installed `just`.

set positional-arguments

target := env('CARGO_TARGET_DIR', env('CARGO_BUILD_TARGET_DIR', justfile_directory() / 'target')) / 'debug'
doctor := 'infra/dist/doctor.sh'
devstack := quote(target / 'nova-devstack')

export NOVA_INVOCATION_DIR := invocation_directory()

[private]
default:
    @just --list --unsorted --justfile {{ quote(justfile()) }}

# Start everything, load DATA (or a simulated population), show a like reach a feed; stay up unless --once
demo *ARGS: (doctor 'run') build
    #!/usr/bin/env bash
    set -euo pipefail
    arguments=()
    for argument in "$@"; do
        # DATA is given relative to the caller's directory, recipes run in the repository's.
        if [[ $argument != [-/]* && -e $NOVA_INVOCATION_DIR/$argument ]]; then argument=$NOVA_INVOCATION_DIR/$argument; fi
        arguments+=("$argument")
    done
    exec {{ devstack }} demo "${arguments[@]}"

# Start the stack in the background and write .nova/endpoints.json
up *ARGS: (doctor 'run') build
    @{{ devstack }} up "$@"

# Stop what `up` started
down *ARGS:
    @{{ devstack }} down "$@"

# Show what is running and where
status *ARGS:
    @{{ devstack }} status "$@"

# Every check there is: lint, unit and snapshot tests, end-to-end tests, two minutes of load, and the demo
test: (doctor 'test') lint unit e2e smoke
    @{{ devstack }} --dir .nova/test demo --once

# Formatting, clippy with warnings denied, dependency rules
lint: (doctor 'test')
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    @.ci/deny.sh

# Unit, snapshot and documentation tests
unit *ARGS: (doctor 'test') build
    @.ci/unit.sh "$@"

# End-to-end tests on containers (upstream images, or local ones where none can be pulled)
e2e *ARGS: (doctor 'test') build
    @.ci/e2e.sh "$@"

# Put a stack under load and hold it against the service levels; options: `just load --help`
load *ARGS: (doctor 'run')
    @.ci/load.sh "$@"

# Measure Nova on real servers: `alternatives` beside others, `ingest` taking in changes, `growth` with more of everything; options: `just bench growth --help`
bench *ARGS: (doctor 'run')
    @.ci/bench.sh "$@"

# What each stage costs by itself: decode, merge, score, order, diversity, page cut, serialisation; and what a hit allocates
stages *ARGS: (doctor 'test')
    @.ci/stages.sh "$@"

# Draw where the time of a hit and of a miss goes: docs/performance/flame-*.svg; `--stack endpoints.json` takes a running stack
flamegraph *ARGS: (doctor 'profile')
    @bench/flamegraph.sh "$@"

[private]
smoke: (doctor 'run') build
    @cargo nextest run -p nova-loadtest -p nova-bench
    @.ci/load.sh --smoke

# Build the container images for machines that cannot pull any
images *ARGS: (doctor 'run') build
    @infra/images/build.sh --stop-docker "$@"

# Say what this machine lacks and install it where possible: base, run, test, e2e, images, profile
doctor LEVEL='run':
    @{{ doctor }} "$1"

# Remove run directories and containers; with `--images` the local images too
clean *ARGS:
    @if [ -x {{ devstack }} ]; then {{ devstack }} down; fi
    @infra/images/clean.sh "$@"

# The packages are fetched while the compiler works.
[private]
build:
    #!/usr/bin/env bash
    set -euo pipefail
    cargo build --quiet -p nova-dist
    {{ quote(target / 'nova-dist') }} fetch &
    status=0
    cargo build -p nova -p nova-chdb-server -p nova-devstack || status=$?
    wait $! || status=$?
    exit $status
