#!/usr/bin/env bash
# A Debian or Ubuntu root file system with a Java runtime, of this machine's own release and from its own mirror,
# imported as an image. Usage: build.sh IMAGE INPUTS-HASH. Takes a minute, as root.
set -euo pipefail

image=$1
inputs=$2
work=$(mktemp -d /var/tmp/nova-base.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
# Where this machine's own packages of this release come from.
read -r mirror components < <(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    awk -v release="$codename" '$2 == release && (site == "" || site == $1) { site = $1; list = list (list ? "," : "") $3 }
        END { print site, list }')
if [ -z "${mirror:-}" ]; then
    echo "apt knows no source for $codename; is this Debian or Ubuntu, and was apt-get update run?" >&2
    exit 1
fi
java=
for name in openjdk-17-jre-headless openjdk-21-jre-headless; do
    if apt-cache show "$name" >/dev/null 2>&1; then java=$name && break; fi
done
proxy=$(apt-config shell proxy Acquire::http::Proxy)
if [ -n "$proxy" ]; then
    eval "$proxy"
    export http_proxy=$proxy
fi

echo "base: debootstrap $codename with ${java:?no Java package in this release}"
if ! debootstrap --variant=minbase --components="$components" --include="$java" \
    "$codename" "$work/root" "$mirror" >"$work/log" 2>&1; then
    tail -n 15 "$work/log" "$work/root/debootstrap/debootstrap.log" >&2 2>/dev/null || true
    exit 1
fi
rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* \
    "$work"/root/usr/share/{doc,man,locale,info}/*
tar -C "$work/root" -c . | docker import --change "LABEL nova.inputs=$inputs" \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV LANG=C.UTF-8' - "$image" >/dev/null
