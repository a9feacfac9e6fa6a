"""The declaration of an action: its body, its reply and its problems, in one place from which the contract is made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate

from djangochannelsrestframework.decorators import action as dcrf_action
from rest_framework import serializers

from accounts.models import Session
from wire.fields import StrictSerializer, validate

Reply = tuple[Any, int]
Method = Callable[Concatenate[Any, ...], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Spec:
    """The part of an action that asyncapi.yaml documents."""

    name: str
    summary: str
    body: type[StrictSerializer]
    reply: type[serializers.Serializer[Any]] | None
    statuses: tuple[int, ...]
    problems: tuple[str, ...]


def action(
    body: type[StrictSerializer],
    reply: type[serializers.Serializer[Any]] | None = None,
    *,
    statuses: tuple[int, ...] = (200,),
    problems: tuple[str, ...] = (),
) -> Callable[[Method], Method]:
    """Make a method an action. It gets the declared fields of its body, never a key that the client made up."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        async def run(consumer: Any, *, body: dict[str, Any], **_: Any) -> Reply:
            return await method(consumer, **validate(spec.body, body))

        summary = (method.__doc__ or "").partition("\n")[0]
        spec = Spec(method.__name__, summary, body, reply, statuses, problems)
        declared: Method = dcrf_action(spec=spec)(run)
        return declared

    return decorate


def require_session(session: Session | None) -> Session:
    """The session of a socket that is known to be authenticated."""
    assert session is not None
    return session
