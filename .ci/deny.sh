#!/usr/bin/env bash
# Licences, sources and bans of all dependencies (deny.toml); advisories as well where their database can be fetched.
set -euo pipefail

if ! command -v cargo-deny >/dev/null; then
    echo "cargo-deny is not installed: the rules of deny.toml were not checked (cargo install cargo-deny --locked)" >&2
    exit 0
fi
checks=(bans licenses sources)
if [ "${NOVA_ADVISORIES:-}" = 1 ]; then checks+=(advisories); fi
exec cargo deny --workspace --all-features --log-level error check "${checks[@]}"
