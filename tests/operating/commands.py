"""Runs a management command in the tests' process, and reads the audit."""

from io import StringIO
from typing import Any

from django.core.management import call_command

from accounts.models import AuditRecord


def run(name: str, *arguments: str, **options: Any) -> str:
    """Run a command and return what it printed."""
    output = StringIO()
    call_command(name, *arguments, stdout=output, **options)
    return output.getvalue()


def audit() -> list[dict[str, Any]]:
    """The audit records in their JSON form, oldest first."""
    return [record.as_dict() for record in AuditRecord.objects.order_by("at", "id")]


def audited() -> list[str]:
    """The actions of the audit, oldest first."""
    return [record["action"] for record in audit()]
