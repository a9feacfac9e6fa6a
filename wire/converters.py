"""Path converters that Django does not have."""

from uuid import UUID

from django.urls import register_converter
from django.urls.converters import StringConverter, UUIDConverter

from wire.fields import UUID_PATTERN


class IdConverter(UUIDConverter):
    """A UUID in either case: Swift and .NET print upper case, and RFC 9562 (section 4) reads both."""

    regex = UUID_PATTERN

    def to_python(self, value: str) -> UUID:
        return UUID(value)


class ExternalIdConverter(StringConverter):
    """An id of an app's own users, percent-encoded; Django has decoded it, so it may have slashes. Checked later."""

    regex = "(?s:.+)"


class CodeConverter(StringConverter):
    """The code of a link: base64url, at most 64 characters, as in TEXT_IDS."""

    regex = "[A-Za-z0-9_-]{1,64}"


register_converter(CodeConverter, "code")
register_converter(IdConverter, "id")
register_converter(ExternalIdConverter, "external_id")
