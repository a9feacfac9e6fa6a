"""`manage.py` for the servers under test: a mark in a message's text decides how its hint is mangled.

[drop] loses it, [dup] doubles it, [late] brings it after its successors. Planted bugs start from here too.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

LATE_SECONDS = 0.4
COMMENT_SECONDS = 1.0


def replace(owner: Any, name: str, broken: Any) -> None:
    """Puts a bug in the place of an attribute; raises AttributeError when the code under test has no such thing."""
    getattr(owner, name)
    setattr(owner, name, broken)


def main(plant: Callable[[], None] = lambda: None) -> None:
    """Run the command line with the hints mangled, and perhaps with a bug."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.chaos.settings"
    import django

    django.setup()
    _mangle_hints()
    # So soon a device without a socket notices a line that is half open.
    from realtime.consumers import event_stream

    replace(event_stream, "COMMENT_SECONDS", COMMENT_SECONDS)
    plant()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def _mangle_hints() -> None:
    from realtime.broker import Broker
    from realtime.seal import Message

    publish = Broker.publish
    log = logging.getLogger("chaos")

    def mangled(broker: Broker, group: str, message: Message) -> None:
        text = b"".join(message["json"]) if message["type"] == "hint" else b""
        if b"[drop]" in text:
            log.warning("hint dropped")
            return
        if b"[late]" in text:
            log.warning("hint delayed")
            asyncio.get_running_loop().call_later(LATE_SECONDS, publish, broker, group, message)
            return
        publish(broker, group, message)
        if b"[dup]" in text:
            log.warning("hint doubled")
            publish(broker, group, message)

    replace(Broker, "publish", mangled)


if __name__ == "__main__":
    main()
