#!/usr/bin/env bash
# Where the processor time of a hit and of a miss goes: drives one kind of request at a time, samples the processes that
# answer it with perf, and draws docs/performance/flame-{hit,miss}.svg; the functions that take most go to stdout.
#
#   flamegraph.sh [--stack PATH] [--scale S|M] [--seconds N] [--out DIR] [hit|miss]...
#
# --stack: endpoints.json of a running stack of release builds, with a population; else one is started, filled
# (--scale, default S) and stopped again. A hit is sampled in Nova, a miss in Nova and in ClickHouse.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

frequency=199 # samples a second and processor: not in step with anything that happens every 10 ms
stack_bytes=65528 # of each stack that is kept for unwinding, the most there is: futures that wait for others are large
min_width=0.3   # percent of the samples below which a frame is left out of the picture

release=${CARGO_TARGET_DIR:-${CARGO_BUILD_TARGET_DIR:-target}}/release
own=.nova/flamegraph
endpoints='' scale=S seconds=20 out=docs/performance kinds=()
while [ $# -gt 0 ]; do
    case $1 in
    --stack) endpoints=$2 && shift ;;
    --scale) scale=$2 && shift ;;
    --seconds) seconds=$2 && shift ;;
    --out) out=$2 && shift ;;
    hit | miss) kinds+=("$1") ;;
    *) echo "flamegraph: $1 is none of --stack, --scale, --seconds, --out, hit, miss" >&2 && exit 2 ;;
    esac
    shift
done
[ ${#kinds[@]} -gt 0 ] || kinds=(hit miss)

work=$(mktemp -d)
recorders=()
clean_up() {
    for recorder in "${recorders[@]}"; do kill -INT "$recorder" 2>/dev/null || true; done
    [ -n "${KEEP:-}" ] && cp "$work"/* "$KEEP"; rm -rf "$work"
    if [ -d $own ]; then "$release/nova-devstack" --dir $own down >&2; fi
}
trap clean_up EXIT

if [ -z "$endpoints" ]; then
    cargo build --quiet --release -p nova -p nova-chdb-server -p nova-devstack
    "$release/nova-devstack" --dir $own up >&2
    endpoints=$own/endpoints.json
    NOVA_ENDPOINTS=$endpoints "$release/nova" simulate --scale "$scale" --seed 1 --quiet >&2
fi
[ -f "$endpoints" ] || { echo "flamegraph: $endpoints is not there" >&2 && exit 1; }

# The process that listens where an address of the stack says.
listener() {
    local port
    port=$(python3 -c 'import json, sys, urllib.parse as u
print(u.urlsplit(json.load(open(sys.argv[1]))[sys.argv[2]]).port)' "$endpoints" "$1")
    ss -Hltnp "sport = :$port" | sed -n 's/.*pid=\([0-9]*\).*/\1/p' | head -n 1
}

# Samples a process for as long as the requests come: sample NAME ADDRESS
sample() {
    local pid
    pid=$(listener "$2")
    [ -n "$pid" ] || { echo "flamegraph: nobody listens at the stack's address of $1" >&2 && exit 1; }
    perf record --quiet --event cpu-clock --freq $frequency --call-graph dwarf,$stack_bytes \
        --pid "$pid" --output "$work/$1.data" -- sleep "$seconds" >&2 &
    recorders+=($!)
}

# Stacks with the process as their root, whatever its threads are called: fold NAME
fold() {
    # Inlined frames would need the debug information of each address: minutes instead of seconds.
    perf script --no-inline --input "$work/$1.data" 2>"$work/perf.log" |
        inferno-collapse-perf --quiet |
        sed "s/^[^;]*;/$1;/" >>"$work/folded"
}

# The functions on most stacks, and the ones that ran: of all samples, in percent.
table() {
    awk -v kind="$1" '
        { count = $NF; sub(/ [0-9]+$/, ""); frames = split($0, frame, ";"); total += count
          self[frame[frames]] += count
          delete seen
          for (i = 1; i <= frames; i++) if (!(frame[i] in seen)) { seen[frame[i]] = 1; on[frame[i]] += count } }
        function print_most(title, counts, most,   i, name, best) {
            printf "\n%s: %s, percent of %.1f s of processor time\n", kind, title, total / 1e9
            for (i = 0; i < most; i++) {
                best = ""
                for (name in counts) if (best == "" || counts[name] > counts[best]) best = name
                if (best == "") break
                printf "%6.1f  %s\n", 100 * counts[best] / total, best
                delete counts[best]
            } }
        END { print_most("ran", self, 25); print_most("on the stack", on, 60) }' "$work/folded"
}

mkdir -p "$out"
for kind in "${kinds[@]}"; do
    : >"$work/folded"
    recorders=()
    # Three seconds more than are sampled: the end of the load is in no picture.
    python3 bench/drive.py "$endpoints" "$kind" --seconds $((seconds + 3)) >"$work/driven" &
    driver=$!
    until grep -q ready "$work/driven"; do
        kill -0 $driver 2>/dev/null || { cat "$work/driven" >&2 && exit 1; }
        sleep 0.1
    done
    sample nova api
    if [ "$kind" = miss ]; then sample clickhouse clickhouse; fi
    wait "${recorders[@]}"
    recorders=()
    wait $driver || { cat "$work/driven" >&2 && exit 1; }
    fold nova
    if [ "$kind" = miss ]; then fold clickhouse; fi
    inferno-flamegraph --quiet --colors rust --minwidth $min_width --countname ns --title "$kind of the feed's first page" \
        --subtitle "$(tail -n 1 "$work/driven" | tr -d '{}"')" <"$work/folded" >"$out/flame-$kind.svg"
    tail -n 1 "$work/driven"
    table "$kind"
done
