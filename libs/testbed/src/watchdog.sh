# Cleans up after a stack, also when its owner was killed with -9.
# The owner holds the write end of our standard input: its end of file means that the owner is gone, or done.
# Usage: sh -c "$script" nova-testbed-watchdog RUN_DIR DIR...     (directories of this run)
# Lines: "pid N" watch it, "gone N" forget it, "keep" leave RUN_DIR, "label L" containers with that label.
trap '' INT TERM HUP
cd /
pids=" "
keep=
label=
while read -r verb what; do
    case $verb in
        pid) pids="$pids$what " ;;
        gone) pids=$(printf '%s' "$pids" | sed "s/ $what / /") ;;
        keep) keep=1 ;;
        label) label=$what ;;
    esac
done

# Every server works in a directory of the run: this also finds one that was started but not yet reported.
in_run() {
    for dir in "$@"; do
        ls -ld /proc/[0-9]*/cwd 2>/dev/null | awk -v dir="$dir/" '
            { at = index($0, " -> "); to = substr($0, at + 4) "/" }
            at && index(to, dir) == 1 { split($0, part, "/"); print part[3] }'
    done
}
# A zombie only waits for its parent: it holds nothing, once its threads have ended too. Until then it may hold a port.
running() {
    kill -0 "$1" 2>/dev/null && ! awk '
        /^State:/ { zombie = $2 == "Z" }
        /^Threads:/ { threads = $2 }
        END { exit !(zombie && threads <= 1) }' "/proc/$1/status" 2>/dev/null
}

round=0
while [ $round -lt 200 ]; do
    left=
    for pid in $pids $(in_run "$@"); do
        if running "$pid"; then
            kill -KILL "$pid" 2>/dev/null
            left=1
        fi
    done
    [ -z "$left" ] && break
    round=$((round + 1))
    sleep 0.05
done

# The owner may be removing some of them as well, so ask until none is left.
if [ -n "$label" ] && command -v docker >/dev/null; then
    round=0
    while [ $round -lt 100 ]; do
        left=$(docker ps --all --quiet --filter "label=$label")
        [ -z "$left" ] && break
        # shellcheck disable=SC2086 # ids are words
        docker rm --force --volumes $left >/dev/null 2>&1
        round=$((round + 1))
        sleep 0.1
    done
    docker network ls --quiet --filter "label=$label" | xargs -r docker network rm >/dev/null 2>&1
fi

[ -z "$keep" ] || shift
rm -rf "$@"
