"""uv.lock: every package has an exact version, comes from the index and has hashes."""

import tomllib

import yaml

from tests.servers import ROOT

PACKAGES = tomllib.loads((ROOT / "uv.lock").read_text())["package"]


def test_every_package_is_locked_with_hashes() -> None:
    own = [package["name"] for package in PACKAGES if "virtual" in package["source"]]
    assert own == ["parley"]
    for package in PACKAGES:
        if package["name"] == "parley":
            continue
        assert set(package["source"]) == {"registry"}, package["name"]
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def test_the_image_installs_the_lock_only() -> None:
    assert "RUN uv sync --frozen" in (ROOT / "Dockerfile").read_text()


def test_continuous_integration_audits_the_packages() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    assert "make audit" in [step.get("run") for job in jobs.values() for step in job["steps"]]
