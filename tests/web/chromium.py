"""Chromium for the tests of the page: the machine's, or the distribution's where it may be installed."""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
APT = ["apt-get", "-qq", "-o=Dpkg::Use-Pty=0"]


def find() -> str | None:
    """The path of a Chromium: that of CHROMIUM, or the first of the usual names."""
    if named := os.environ.get("CHROMIUM"):
        return named
    return next((path for path in map(shutil.which, NAMES) if path), None)


def find_or_install() -> str:
    """The path of a Chromium, which root installs from Debian's packages. Raises RuntimeError where there is none."""
    if path := find():
        return path
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run([*APT, "update"], env=environment, check=True, stdout=subprocess.DEVNULL, timeout=300)
        install = [*APT, "install", "--yes", "--no-install-recommends", "chromium"]
        subprocess.run(install, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=600)
    if path := find():
        return path
    raise RuntimeError("The tests of the page need Chromium: install it, or name its path in CHROMIUM.")
