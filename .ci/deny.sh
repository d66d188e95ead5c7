#!/usr/bin/env bash
# Licences, sources and bans of all dependencies (deny.toml); advisories as well where their database can be fetched.
set -euo pipefail

checks=(bans licenses sources)
if [ "${NOVA_ADVISORIES:-}" = 1 ]; then checks+=(advisories); fi
exec cargo deny --workspace --all-features --log-level error check "${checks[@]}"
