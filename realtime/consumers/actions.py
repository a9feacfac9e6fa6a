"""The decorator that makes a method of a consumer an action: the twin of `wire.views.endpoint`."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate

from djangochannelsrestframework.decorators import action as dcrf_action

from accounts.models import Session
from wire.fields import validate
from wire.operations import Operation

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
            return await method(consumer, **validate(operation.frame, body))

        declared: Method = dcrf_action(operation=operation)(run)
        return declared

    return decorate


def require_session(session: Session | None) -> Session:
    """The session of a socket that is known to be authenticated."""
    assert session is not None
    return session
