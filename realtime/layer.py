"""The channel layer of hints: Redis pub/sub, with a way to publish many messages at once and count their receivers."""

from collections.abc import Sequence
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer


class HintLayer(RedisPubSubChannelLayer):
    """The pub/sub layer of channels_redis, on one Redis. Its loop layer is internal, so the version is bounded."""

    async def publish_each(self, messages: Sequence[tuple[str, dict[str, Any]]]) -> list[int]:
        """Publish messages to groups in one round trip; return how many processes had joined each group.

        Unlike group_send it does not wait while the process joins groups: that takes another connection. Raises as
        redis-py does.
        """
        layer = self._get_layer()
        [shard] = layer._shards
        shard._ensure_redis()
        async with shard._redis.pipeline(transaction=False) as pipeline:
            for group, message in messages:
                pipeline.publish(layer._get_group_channel_name(group), self.serialize(message))
            receivers: list[int] = await pipeline.execute()
        return receivers
