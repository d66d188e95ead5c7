#!/usr/bin/env bash
# Builds what the load test needs and runs it; arguments go to it. A smoke run takes the debug build, which is there
# anyway; everything else is measured on a release build.
set -euo pipefail

target=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-target}}
folder=release profile=(--release) servers=(-p nova -p nova-chdb-server)
for argument in "$@"; do
    # The packages of `just build`: with others, features and so artefacts would differ.
    if [ "$argument" = --smoke ]; then folder=debug profile=() servers+=(-p nova-devstack); fi
done
cargo build --quiet "${profile[@]}" "${servers[@]}"
# Alone: goose's features would otherwise become those of the servers.
cargo build --quiet "${profile[@]}" -p nova-loadtest
exec "$target/$folder/nova-loadtest" "$@"
