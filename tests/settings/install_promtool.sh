#!/bin/sh
# Installs the distribution's promtool, which tests/settings/test_alerts.py needs, where it is missing and this user may.
set -eu
command -v promtool >/dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "No promtool on PATH, and this user cannot install it; tests/settings/test_alerts.py will fail with advice." >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends prometheus >/dev/null
# The package starts a server where it can; the tests need the tool alone.
if command -v systemctl >/dev/null; then systemctl disable --now prometheus >/dev/null 2>&1 || true; fi
