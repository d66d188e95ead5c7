#!/usr/bin/env bash
# Builds what the benchmarks on real servers need and runs one of them; arguments go to it. Always a release build.
# The curves of `growth` are drawn as well.
set -euo pipefail

target=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-target}}
cargo build --quiet --release -p nova -p nova-chdb-server
# Alone: goose's features would otherwise become those of the servers.
cargo build --quiet --release -p nova-bench

growth=$([ "${1:-}" != growth ] || echo yes)
report=.nova/bench/growth before=
for argument in "$@"; do
    case $argument in
    -h | --help) growth= ;;
    --report=*) report=${argument#--report=} ;;
    *) if [ "$before" = --report ]; then report=$argument; fi ;;
    esac
    before=$argument
done
[ -n "$growth" ] || exec "$target/release/nova-bench" "$@"
"$target/release/nova-bench" "$@"
bench/plot/plot.sh "$report"
