#!/usr/bin/env bash
# Options go to the server; like the upstream image's, it takes connections from other containers without a password.
set -euo pipefail

if [ $# -eq 0 ] || [ "${1:0:1}" = - ]; then set -- redis-server "$@"; fi
if [ "$1" = redis-server ] || [ "$1" = valkey-server ]; then
    program=$1
    shift
    # Before the options given: the last one counts. A configuration file has to stay the first argument.
    if [ $# -gt 0 ] && [ "${1:0:1}" != - ]; then exec "$program" "$@"; fi
    exec "$program" --protected-mode no "$@"
fi
exec "$@"
