"""The doctor's examination of Redis: it answers, and its user may do what the servers do, and no more."""

from collections.abc import Iterator

from django.conf import settings
from redis import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, RedisError, ResponseError

from realtime.doctor.findings import Finding, Level

SECONDS = 3.0


def examine_redis() -> Iterator[Finding]:
    """Examine the Redis of REDIS_URL. Several processes without one are a finding of the settings."""
    if not settings.REDIS_URL:
        return
    client = Redis.from_url(settings.REDIS_URL, socket_timeout=SECONDS, socket_connect_timeout=SECONDS, protocol=2)
    with client:
        try:
            client.ping()
        except (AuthenticationError, NoPermissionError) as error:
            text = f"Redis rejects the user or the password of REDIS_URL: {error}."
            yield Finding("redis.login", Level.ERROR, text, "Correct REDIS_URL, or the ACL of Redis.")
            return
        except (RedisError, OSError) as error:
            text = f"Redis does not answer: {error}. Events reach other processes a second late."
            yield Finding("redis.unreachable", Level.ERROR, text, "Start it, or correct REDIS_URL.")
            return
        yield from _examine_rights(client)


def _examine_rights(client: Redis) -> Iterator[Finding]:
    channel = f"{settings.CHANNEL_LAYERS['default']['CONFIG']['prefix']}__doctor"
    try:
        client.publish(channel, b"")
        subscriber = client.pubsub()
        subscriber.subscribe(channel)
        subscriber.get_message(timeout=SECONDS)  # the reply, or the refusal
        subscriber.close()
    except NoPermissionError as error:
        text = f"The user of REDIS_URL may not publish and subscribe: {error}."
        remedy = f"Allow `&{channel.removesuffix('__doctor')}* +publish +subscribe +unsubscribe +ping`."
        yield Finding("redis.acl", Level.ERROR, text, remedy)
        return
    counter = f"{settings.REDIS_PREFIX}:limit:doctor"
    try:
        client.get(counter)
        client.expire(counter, 1)
        client.delete(counter)
        client.execute_command("INCRBY", counter, "x")
    except NoPermissionError as error:
        text = f"The user of REDIS_URL may not count for the rate limits: {error}. Each process counts alone."
        remedy = f"Allow `~{counter.removesuffix('doctor')}* +get +incrby +expire +del`."
        yield Finding("redis.acl", Level.ERROR, text, remedy)
        return
    except ResponseError:
        pass  # "x" is no number: Redis checks the rights first, and has changed nothing
    try:
        client.config_get("maxmemory")
    except (NoPermissionError, ResponseError):
        return
    text = "The user of REDIS_URL may do everything in Redis, and hints have messages in them."
    remedy = "Give Parley a user with a password and the rights that it needs; compose.yaml shows how."
    yield Finding("redis.rights", Level.WARNING, text, remedy)
