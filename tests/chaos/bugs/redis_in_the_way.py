"""A send waits until Redis has taken its hint."""

from tests.chaos.entry import main


def plant() -> None:
    """Plant the bug."""
    import time

    import redis
    from django.conf import settings

    from eventlog.signals import events_committed

    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, protocol=2)

    def wait(**_: object) -> None:
        try:
            client.ping()
        except redis.RedisError:
            time.sleep(0)

    events_committed.connect(wait, weak=False)


if __name__ == "__main__":
    main(plant)
