#!/bin/sh
# Installs the distribution's Caddy, which tests/proxy needs, where it is missing and this user may.
set -eu
command -v caddy >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "No caddy on PATH, and this user cannot install it; tests/proxy will fail with advice." >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends caddy >/dev/null
# The package starts a server of its own where it can; the tests start theirs.
if command -v systemctl >/dev/null; then systemctl disable --now caddy >/dev/null 2>&1 || true; fi
