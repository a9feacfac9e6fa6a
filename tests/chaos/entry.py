"""`manage.py` for the servers under test: what a message says decides what becomes of the hint that carries it.

[drop] loses it, [dup] doubles it, [late] brings it after its successors. Planted bugs start from here too.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable

LATE_SECONDS = 0.4


def main(plant: Callable[[], None] = lambda: None) -> None:
    """Run the command line with the hints mangled, and perhaps with a bug."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
    import django

    django.setup()
    _mangle_hints()
    plant()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _mangle_hints() -> None:
    from realtime.broker import Broker
    from realtime.seal import Message

    publish = Broker.publish
    said = logging.getLogger("chaos")

    def mangled(broker: Broker, group: str, message: Message) -> None:
        text = b"".join(message["json"]) if message["type"] == "hint" else b""
        if b"[drop]" in text:
            said.warning("hint dropped")
            return
        if b"[late]" in text:
            said.warning("hint delayed")
            asyncio.get_running_loop().call_later(LATE_SECONDS, publish, broker, group, message)
            return
        publish(broker, group, message)
        if b"[dup]" in text:
            said.warning("hint doubled")
            publish(broker, group, message)

    Broker.publish = mangled  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    main()
