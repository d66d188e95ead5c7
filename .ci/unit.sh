#!/usr/bin/env bash
# Unit, snapshot and documentation tests; then no snapshot may be left that no test reads.
# Arguments go to `cargo nextest run`.
set -euo pipefail

read_by_tests=$(mktemp)
trap 'rm -f "$read_by_tests"' EXIT
export INSTA_UPDATE=no
export INSTA_SNAPSHOT_REFERENCES_FILE=$read_by_tests

# Goose would bring a second TLS stack into every crate's tests: `just load`, `just bench` and `just test` build nova-loadtest
# and nova-bench, which stands on it, alone.
apart=(--exclude nova-e2e --exclude nova-loadtest --exclude nova-bench)
cargo nextest run --workspace "${apart[@]}" "$@"
# A choice of tests reads a choice of snapshots.
if [ $# -gt 0 ]; then exit 0; fi

unread=$(comm -23 \
    <(find "$PWD"/{libs,services,infra} -name '*.snap' | sort) \
    <(xargs -r -d '\n' realpath -m <"$read_by_tests" | sort -u))
if [ -n "$unread" ]; then
    printf 'no test reads these snapshots, remove them:\n%s\n' "$unread" >&2
    exit 1
fi
cargo test --quiet --doc --workspace "${apart[@]}"
