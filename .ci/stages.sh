#!/usr/bin/env bash
# Measures each stage by itself and tells what it takes: the median of criterion's samples, then the memory that a hit
# asks for. `--write` puts the tables into docs/performance/stages.md too; `--quick` takes a tenth of the time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

write=() criterion=(--noplot)
while [ $# -gt 0 ]; do
    case $1 in
    --write) write=(docs/performance/stages.md) ;;
    --quick) criterion+=(--warm-up-time 0.3 --measurement-time 0.5) ;;
    *) echo "stages: $1 is none of --write, --quick" >&2 && exit 2 ;;
    esac
    shift
done

target=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-target}}
# Only what is measured now is told.
rm -rf "$target/criterion"
cargo bench --quiet -p nova-stream --bench decode -- "${criterion[@]}" >&2
cargo bench --quiet -p nova-ranking --bench stages -- "${criterion[@]}" >&2
cargo bench --quiet -p nova-feed --features bench --bench stages -- "${criterion[@]}" >&2

# The test that bounds it counts and prints.
cargo build --quiet -p nova-chdb-server
heap=$(cargo test --quiet -p nova-api --test allocations -- --nocapture 2>/dev/null | grep ' blocks, ')

python3 .ci/stages.py "$target/criterion" "${write[@]}" <<<"$heap"
