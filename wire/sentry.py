"""Unexpected errors to Sentry, when SENTRY_DSN is set and the extra `sentry` is installed."""

from __future__ import annotations

import logging
import os
from importlib.util import find_spec
from typing import Any

from wire.logs import ids, without_path, without_secrets

logger = logging.getLogger(__name__)


def start_reporting() -> None:
    """Report each record of the log from ERROR on, with the ids of its call. Sentry reads its other variables itself.

    Nothing else is collected: no body, header, path, local variable or breadcrumb leaves the process.
    """
    if not os.environ.get("SENTRY_DSN"):
        return
    if find_spec("sentry_sdk") is None:
        logger.warning("SENTRY_DSN is set, but the extra `sentry` is not installed: no errors are reported.")
        return
    import sentry_sdk
    from sentry_sdk.integrations.dedupe import DedupeIntegration
    from sentry_sdk.integrations.logging import LoggingIntegration

    sentry_sdk.init(
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR), DedupeIntegration()],
        before_send=_clean,
        max_breadcrumbs=0,
        include_local_variables=False,
        include_source_context=False,
        send_default_pii=False,
        server_name=os.environ.get("SENTRY_SERVER_NAME") or None,
    )


def _clean(event: Any, hint: dict[str, Any]) -> Any:
    """Add the ids of the call as tags; remove secrets, and the request that Django attaches to its records."""
    event.pop("extra", None)
    if (record := hint.get("log_record")) is not None:
        event["logentry"] = {"message": without_path(record, record.getMessage())}
    tags = {name: str(value) for name, value in ids().items()}
    cleaned: dict[str, Any] = _without_secrets(event)
    return {**cleaned, "tags": {**cleaned.get("tags", {}), **tags}}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: _without_secrets(each) for key, each in value.items()}
    return [_without_secrets(each) for each in value] if isinstance(value, list) else value
