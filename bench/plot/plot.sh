#!/usr/bin/env bash
# Draws the curves that `just bench growth` or sweep.py saved in a directory, a PNG for each: plot.sh DIR
# matplotlib is installed into the cache first, where it is not yet.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: plot.sh DIR" >&2 && exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pins=$here/requirements.txt
# Wheels are built for one version of Python; another list of pins is another directory.
version=$(python3 -c 'import sys; print(f"{sys.version_info.major}.{sys.version_info.minor}")')
cache=${NOVA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nova}
packages=$cache/plot-$version-$(sha256sum "$pins" | cut -c 1-12)

if [ ! -d "$packages" ]; then
    echo "plot: installing matplotlib into $packages" >&2
    mkdir -p "$cache"
    # Moved into place when complete: two may run at once, and one may be interrupted.
    new=$(mktemp -d "$packages.XXXXXX")
    trap 'rm -rf "$new"' EXIT
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --require-hashes --target "$new" --requirement "$pins" >&2
    mv -T "$new" "$packages" 2>/dev/null || [ -d "$packages" ]
fi
PYTHONPATH=$packages MPLBACKEND=Agg MPLCONFIGDIR=$packages python3 "$here/plot.py" "$1"
