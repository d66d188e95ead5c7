#!/usr/bin/env bash
# Says what this machine lacks and how to install it; on Debian and Ubuntu, as root, installs it.
#
#   doctor.sh [base|run|test|e2e]   base: build Nova; run: and its servers; test: and check it; e2e: and containers, browser
#   doctor.sh browser               what the end-to-end tests of the console need when they run without containers
#   doctor.sh images                what building container images needs
#   doctor.sh profile               run, and what draws flame graphs
#   doctor.sh stop-docker           stops the Docker daemon that `doctor.sh e2e` started, and no other
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

: "${HOME:=$(getent passwd "$(id -u)" | cut -d: -f6)}"
export HOME

nextest_version=0.9.151
deny_version=0.20.2
inferno_version=0.12.8
state=.nova
pid_file=$state/dockerd.pid

say() { printf 'doctor: %s\n' "$*" >&2; }
has() { command -v "$1" >/dev/null 2>&1; }

# What is missing: one line each; packages of Debian that bring it; commands for what no package brings.
problems=()
packages=()
commands=()

lacks() { # lacks WHAT [PACKAGE…]
    problems+=("$1")
    shift
    packages+=("$@")
}

java_is_new_enough() {
    local java=${JAVA_HOME:+$JAVA_HOME/bin/java} version
    java=${java:-java}
    has "$java" || return 1
    version=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
    [ "${version:-0}" -ge 17 ]
}

# The name of a Java package that this release has.
java_package() {
    local name
    for name in openjdk-17-jre-headless openjdk-21-jre-headless openjdk-25-jre-headless; do
        if apt-cache show "$name" >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    echo default-jre-headless
}

check_base() {
    has cc || lacks "a C compiler (librdkafka is built from source)" build-essential
    has make || lacks "make" build-essential
    has g++ || lacks "a C++ compiler" build-essential
    has curl || lacks "curl" curl ca-certificates
    has python3 && python3 -c 'import pip' 2>/dev/null || lacks "Python 3 with pip" python3 python3-pip
    if ! has cargo; then
        problems+=("Rust")
        commands+=("install Rust with rustup: https://rustup.rs")
    fi
}

check_run() {
    has tar || lacks "tar" tar
    has xz || lacks "xz" xz-utils
    java_is_new_enough || lacks "Java 17 or newer (Kafka)" JAVA
    has mvn || lacks "Maven" maven
    has npm || lacks "npm" npm
}

check_test() {
    has cargo || return 0
    local tools
    tools=$(rustc --print sysroot)/bin
    [ -x "$tools/cargo-fmt" ] || { problems+=("rustfmt"); commands+=("rustup component add rustfmt"); }
    [ -x "$tools/cargo-clippy" ] || { problems+=("clippy"); commands+=("rustup component add clippy"); }
    if ! has cargo-nextest && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo-nextest" ]; then
        problems+=("cargo-nextest")
        # Optimising it would double the time, and it waits for tests anyway.
        commands+=("CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off cargo install cargo-nextest --locked --version $nextest_version --no-default-features --features default-no-update")
    fi
    if ! has cargo-deny && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo-deny" ]; then
        problems+=("cargo-deny")
        commands+=("CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off cargo install cargo-deny --locked --version $deny_version")
    fi
}

docker_answers() { timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

check_e2e() {
    has docker && { docker_answers || has dockerd || [ -S /run/docker.sock ]; } || lacks "Docker" docker.io
}

has_browser() {
    [ -n "${NOVA_CHROMIUM:-}" ] && [ -x "$NOVA_CHROMIUM" ] && return
    local name
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        if has "$name"; then return; fi
    done
    return 1
}

check_browser() {
    has_browser || lacks "Chromium (end-to-end tests of the console; NOVA_CHROMIUM names another one)" chromium
}

check_images() {
    has debootstrap || lacks "debootstrap (base of images where no registry can be reached)" debootstrap
}

perf_records() {
    local samples status=0
    samples=$(mktemp)
    perf record --quiet --event cpu-clock --output "$samples" -- true >/dev/null 2>&1 || status=$?
    rm -f "$samples"
    return $status
}

check_profile() {
    has perf || lacks "perf (samples of where processor time goes)" linux-perf
    if has perf && ! perf_records; then
        problems+=("leave to sample processes: run as root, or sudo sysctl kernel.perf_event_paranoid=1")
    fi
    has ss || lacks "ss (which process listens at an address)" iproute2
    if ! has inferno-flamegraph && [ ! -x "${CARGO_HOME:-$HOME/.cargo}/bin/inferno-flamegraph" ]; then
        problems+=("inferno")
        commands+=("cargo install inferno --locked --version $inferno_version --no-default-features --features cli")
    fi
}

# Hundreds of lines nobody reads, unless it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ $status -ne 0 ]; then
        say "$1 ended with status $status; its last lines:"
        tail -n 15 "$log" >&2
    fi
    rm -f "$log"
    return $status
}

install_missing() {
    local id="" like="" command
    if [ -r /etc/os-release ]; then
        id=$(. /etc/os-release && echo "${ID:-}")
        like=$(. /etc/os-release && echo "${ID_LIKE:-}")
    fi
    for problem in "${problems[@]}"; do say "missing: $problem"; done

    local debian=no
    case " $id $like " in *" debian "* | *" ubuntu "*) debian=yes ;; esac
    if [ ${#packages[@]} -gt 0 ]; then
        mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
        if [ $debian = no ] || [ "$(id -u)" != 0 ]; then
            if [ $debian = no ]; then
                say "on Debian or Ubuntu these packages have it: ${packages[*]/JAVA/openjdk-17-jre-headless}"
            else
                say "run: sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages[*]/JAVA/$(java_package)}"
            fi
            for command in "${commands[@]}"; do say "then: $command"; done
            return 1
        fi
        export DEBIAN_FRONTEND=noninteractive
        say "apt-get update"
        quietly apt-get update -q
        packages=("${packages[@]/JAVA/$(java_package)}")
        say "apt-get install ${packages[*]}"
        quietly apt-get install -y -q --no-install-recommends "${packages[@]}"
    fi
    for command in "${commands[@]}"; do
        say "$command"
        case $command in
        "install Rust"*) return 1 ;;
        *) bash -c "$command" >&2 ;;
        esac
    done
}

examine() {
    problems=() packages=() commands=()
    check_base
    case $1 in run | test | e2e | profile) check_run ;; esac
    case $1 in test | e2e) check_test ;; esac
    case $1 in e2e | images) check_e2e ;; esac
    case $1 in e2e | browser) check_browser ;; esac
    case $1 in images) check_images ;; esac
    case $1 in profile) check_profile ;; esac
}

start_docker() {
    docker_answers && return
    if [ -d /run/systemd/system ]; then
        [ "$(id -u)" = 0 ] && systemctl start docker && wait_for_docker && return
        say "no Docker daemon answers this user: sudo systemctl start docker; sudo usermod -aG docker $(id -un)"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        say "no Docker daemon answers; as root: dockerd &"
        return 1
    fi
    mkdir -p $state
    say "starting dockerd (log: $state/dockerd.log)"
    setsid dockerd >$state/dockerd.log 2>&1 </dev/null &
    echo $! >$pid_file
    if ! wait_for_docker; then
        say "dockerd does not answer; its last lines:"
        tail -n 8 $state/dockerd.log >&2
        stop_docker
        return 1
    fi
}

wait_for_docker() {
    local deadline=$((SECONDS + 60))
    until docker_answers; do
        if [ $SECONDS -ge $deadline ]; then return 1; fi
        if [ -f $pid_file ] && ! kill -0 "$(cat $pid_file)" 2>/dev/null; then return 1; fi
        sleep 0.2
    done
}

stop_docker() {
    [ -f $pid_file ] || return 0
    local pid deadline=$((SECONDS + 30))
    pid=$(cat $pid_file)
    if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        if [ -n "$(timeout 10 docker ps -q 2>/dev/null)" ]; then
            say "containers are running: dockerd ($pid) stays"
            return 0
        fi
        kill "$pid" 2>/dev/null || true
        while kill -0 "$pid" 2>/dev/null; do
            if [ $SECONDS -ge $deadline ]; then
                say "dockerd ($pid) does not stop"
                return 1
            fi
            sleep 0.1
        done
    fi
    rm -f $pid_file
}

level=${1:-run}
case $level in
stop-docker)
    stop_docker
    exit
    ;;
base | run | test | e2e | browser | images | profile) ;;
*)
    say "unknown level $level: base, run, test, e2e, browser, images, profile or stop-docker"
    exit 2
    ;;
esac

examine "$level"
if [ ${#problems[@]} -gt 0 ]; then
    install_missing
    hash -r
    examine "$level"
    if [ ${#problems[@]} -gt 0 ]; then
        for problem in "${problems[@]}"; do say "still missing: $problem"; done
        exit 1
    fi
fi
case $level in e2e | images) start_docker ;; esac
