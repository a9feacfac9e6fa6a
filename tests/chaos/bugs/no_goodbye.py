"""SIGTERM ends the process as it stands."""

from tests.chaos.entry import main


def plant() -> None:
    """Break it."""
    import os

    from realtime.server import reactor

    install = reactor.install

    def installed() -> None:
        install()
        from realtime.server.server import Server

        Server.drain = lambda self: os._exit(0)  # type: ignore[method-assign]

    reactor.install = installed


if __name__ == "__main__":
    main(plant)
