"""The doctor's examination of the settings, of the versions, of the file descriptors and of the disk."""

import platform
import shutil
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from django.conf import settings
from django.core.checks import ERROR, Tags, run_checks

from realtime.doctor.findings import Finding, Level
from wire import descriptors

FEW_CONNECTIONS = 1_000  # clients at once, below which a server will soon refuse some
LITTLE_SPACE = 512 * 1024 * 1024
NO_SPACE = 64 * 1024 * 1024  # a log of SQLite that cannot be emptied grows to that within minutes


def examine_settings() -> Iterator[Finding]:
    """Report what `check --deploy` reports. On a developer's machine none of it is an error."""
    for found in run_checks(tags=[Tags.security], include_deployment_checks=True):
        if found.is_silenced():
            continue
        level = Level.ERROR if found.level >= ERROR and not settings.LOOPBACK_ONLY else Level.WARNING
        yield Finding(f"settings.{found.id}", level, found.msg, found.hint or "")
    if settings.HTTPS and not settings.TRUSTED_PROXIES:
        yield Finding(
            "proxy.untrusted",
            Level.WARNING,
            "TLS ends at a proxy (HTTPS=1) and TRUSTED_PROXIES is empty: all clients count as one address.",
            "Set TRUSTED_PROXIES to the addresses of the proxy, which must write X-Forwarded-For.",
        )


def examine_machine() -> Iterator[Finding]:
    """Examine what the process gets from its machine."""
    yield from examine_versions(settings.BASE_DIR / "uv.lock")
    descriptors.raise_limit()  # as `serve` does
    if (most := descriptors.connections()) < FEW_CONNECTIONS:
        yield Finding(
            "descriptors.few",
            Level.WARNING,
            f"The limit of {descriptors.limit()} file descriptors allows {most} clients at once.",
            "Raise the hard limit: `ulimit -Hn`, LimitNOFILE= of systemd, or NOFILE of compose.yaml.",
        )
    name = settings.DATABASES["default"]["NAME"]
    if "sqlite" in settings.DATABASES["default"]["ENGINE"]:
        yield from examine_disk(Path(name).parent)


def examine_versions(lock: Path) -> Iterator[Finding]:
    """Compare the installed packages with the lock of this release, where it is at hand; an image has none."""
    yield Finding("versions", Level.NOTE, f"Python {platform.python_version()}, Django {version('django')}.")
    if not lock.exists():
        return
    tested: dict[str, set[str]] = {}  # for some packages the lock has a version for each version of Python
    for package in tomllib.loads(lock.read_text())["package"]:
        if "registry" in package["source"]:
            tested.setdefault(package["name"], set()).add(package["version"])
    others = []
    for name, versions in sorted(tested.items()):
        try:
            installed = version(name)
        except PackageNotFoundError:
            continue
        if installed not in versions:
            others.append(f"{name} {installed} instead of {' or '.join(sorted(versions))}")
    if others:
        text = f"Installed packages are not those that this release was tested with: {', '.join(others)}."
        yield Finding("versions.differ", Level.WARNING, text, "Install from uv.lock.")


def examine_disk(folder: Path) -> Iterator[Finding]:
    """Examine the free space of the disk on which SQLite's file is."""
    free = shutil.disk_usage(folder).free
    text = f"The disk of {folder} has {free // 1024**2} MiB left."
    remedy = "Free some space: on a full disk nothing can be written."
    if free < NO_SPACE:
        yield Finding("disk.full", Level.ERROR, text, remedy)
    elif free < LITTLE_SPACE:
        yield Finding("disk.low", Level.WARNING, text, remedy)
