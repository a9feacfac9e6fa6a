"""The decorator that makes a method of a consumer an action: the twin of `wire.views.endpoint`."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial, wraps
from typing import Any, Concatenate

from djangochannelsrestframework.decorators import action as dcrf_action

from accounts.models import Session
from realtime.database import read_for
from wire import limits
from wire.fields import validate
from wire.operations import Operation
from wire.problems import Problem

Reply = tuple[Any, int]
Method = Callable[Concatenate[Any, ...], Awaitable[Reply]]


def action(operation: Operation) -> Callable[[Method], Method]:
    """Make a method the action of an operation: it gets the validated fields of the frame as keywords.

    The one place for everything that is done for each call of an action, such as limits and metrics.
    """

    def decorate(method: Method) -> Method:
        if method.__name__ != (operation.action or operation.name):
            raise TypeError(f"The action of {operation.name} is not the method {method.__name__}.")

        @wraps(method)
        async def run(consumer: Any, *, body: dict[str, Any], **_: Any) -> Reply:
            if consumer.session is not None:
                await take(consumer.session, operation, body)
            return await method(consumer, **validate(operation.frame, body))

        declared: Method = dcrf_action(operation=operation)(run)
        return declared

    return decorate


async def take(session: Session, operation: Operation, body: Mapping[str, Any]) -> None:
    """Count a call for its session. Raises Problem limit.<name>, unless the call repeats what is stored already."""
    try:
        limits.take(operation, session.pk, session.user_id, limits.count_of(body) if "items" in body else 1)
    except Problem:
        is_retry = operation.is_retry
        if is_retry is None or not await read_for(session.user_id, partial(is_retry, session.user_id, body)):
            raise


def require_session(session: Session | None) -> Session:
    """The session of a socket that is known to be authenticated."""
    assert session is not None
    return session
