"""The doctor: examines settings, machine, database, Redis and the running server, and lists what is wrong."""

from collections.abc import Callable, Iterator

from realtime.doctor.database import examine_database
from realtime.doctor.findings import Finding, Level
from realtime.doctor.machine import examine_machine, examine_settings
from realtime.doctor.redis import examine_redis
from realtime.doctor.server import examine_server

__all__ = ["Finding", "Level", "examine"]


def examine(url: str | None) -> Iterator[Finding]:
    """Yield every finding. `url` is where clients reach the server; None: the address on which `serve` listens here.

    An examination that fails unexpectedly is a finding, too, and the others go on.
    """
    examinations: dict[str, Callable[[], Iterator[Finding]]] = {
        "settings": examine_settings,
        "machine": examine_machine,
        "database": examine_database,
        "redis": examine_redis,
        "server": lambda: examine_server(url),
    }
    for part, examination in examinations.items():
        try:
            yield from examination()
        except Exception as error:
            text = f"The examination of this part failed: {error!r}."
            yield Finding(f"{part}.failed", Level.ERROR, text, "Report it with this line.")
