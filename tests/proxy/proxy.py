"""The proxy of compose.yaml on this machine: its command and configuration, run by a real Caddy.

Only places are substituted: the addresses of servers, :8080 by a free port of loopback, and /tmp by the folder of the
test. A test that shortens a deadline gives the line that it replaces.
"""

import re
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.packaging.compose_file import command, environment
from tests.services import Server, ServiceMissing, free_port

UPSTREAMS = re.compile(r"(?:^ *to (?:[\d.]+:8000 ?)+\n)+", re.MULTILINE)
# Every line of the debug log has the request with its headers, so it would have a token that is not filtered.
DEBUG_LOG = {"    log {\n": "    log {\n        level DEBUG\n"}
MISSING = (
    "The tests need a real Caddy and found no `caddy` on PATH. Install it: `apt-get install caddy` on Debian and "
    "Ubuntu, or sh tests/proxy/install_caddy.sh, which does so as root; elsewhere see https://caddyserver.com/docs/install."
)


class Proxy(Server):
    """A Caddy in front of servers on the given ports. `changes` replaces lines that occur once in its configuration."""

    def __init__(
        self, upstreams: Sequence[int], *, changes: Mapping[str, str] | None = None, trusted: str = ""
    ) -> None:
        super().__init__("proxy")
        self.port = free_port()
        binary = shutil.which("caddy")
        if binary is None:
            raise ServiceMissing(MISSING)
        self.environment = environment("proxy", TRUSTED_PROXIES=trusted) | {
            "PATH": f"{Path(binary).parent}:/usr/bin:/bin"
        }
        addresses = " ".join(f"127.0.0.1:{port}" for port in upstreams)
        config, found = UPSTREAMS.subn(f"to {addresses}\n", self.environment["CADDYFILE"])
        assert found == 1, "compose.yaml lists the servers in another form"
        for old, new in {"\n:8080 {\n": f"\n:{self.port} {{\n    bind 127.0.0.1\n", **(changes or {})}.items():
            assert config.count(old) == 1, f"{old!r} does not occur once in the proxy's configuration"
            config = config.replace(old, new)
        self.environment |= {"CADDYFILE": config}
        self.environment |= {name: str(self.folder) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME")}

    @property
    def url(self) -> str:
        """The URL of the proxy, without a closing slash."""
        return f"http://127.0.0.1:{self.port}"

    def _command(self) -> list[str]:
        return [part.replace("/tmp/", f"{self.folder}/") for part in command("proxy")]

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/proxy-health", timeout=2).close()
        except OSError:
            return False
        return True

    def _options(self) -> dict[str, Any]:
        return {"cwd": self.folder, "env": self.environment}
