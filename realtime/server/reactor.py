"""The choice of the event loop: uvloop where it is installed."""

import asyncio
import sys

from twisted.internet import asyncioreactor


def install() -> None:
    """Install Twisted's asyncio reactor, unless there is one; must run before anything imports ``daphne.server``."""
    if "twisted.internet.reactor" not in sys.modules:
        asyncioreactor.install(new_event_loop())


def new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
