"""SIGTERM ends the process at once."""

from tests.chaos.entry import main, replace


def plant() -> None:
    """Plant the bug."""
    import os

    from realtime.server import reactor

    install = reactor.install

    def installed() -> None:
        install()
        from realtime.server.server import Server

        replace(Server, "drain", lambda self: os._exit(0))

    replace(reactor, "install", installed)


if __name__ == "__main__":
    main(plant)
