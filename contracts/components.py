"""The components of both contracts: serializers as JSON Schema, for REST bodies and for frames."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework import serializers

from wire.fields import StrictSerializer
from wire.schema import Schema as ViewSchema
from wire.views import ApiView

Schema: TypeAlias = dict[str, Any]
Kind: TypeAlias = type[serializers.Serializer[Any]]

# Keywords of spectacular that are left out: its own notes, and the direction of fields, because a body and an answer
# never share a component here.
DROPPED = ("readOnly", "writeOnly", "x-spec-enum-id")

ALWAYS_NULL = "Always null."  # of a field that has a type only because generators need one


class Components:
    """The components that spectacular finds behind the URLs, and those that only the socket uses."""

    def __init__(self) -> None:
        generator = SchemaGenerator()
        self.document: Schema = generator.get_schema(request=None, public=True)
        self._registry = generator.registry
        # spectacular documents serializers for a view; frames have none, so this stands in for one.
        self._reader = ViewSchema()
        self._reader.registry = self._registry
        self._reader.view, self._reader.method, self._reader.path = ApiView(request=None), "POST", "/"

    def ref(self, kind: Kind, direction: Literal["request", "response"] = "response") -> Schema:
        """A reference to the component of a serializer."""
        reference: Schema = self._reader.resolve_serializer(kind, direction).ref
        return reference

    def body(self, kind: Kind) -> Schema:
        """The schema of a body, without a component: a frame adds `action` and `request_id` to it."""
        schema: Schema = self._reader._map_serializer(kind(), "request", False)
        _describe_defaults(schema)
        _set_min_lengths(schema, kind)
        return schema

    def add(self, name: str, schema: Schema) -> Schema:
        """Register a component, or replace one; returns the reference."""
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, schema, object=name)
        self._registry._components[component.key] = component
        return {"$ref": f"#/components/schemas/{name}"}

    def schema(self, name: str) -> Schema:
        """A registered component."""
        return self._registry[name, ResolvedComponent.SCHEMA].schema  # type: ignore[no-any-return]

    def build(self) -> dict[str, Schema]:
        """All components by name: bodies closed to unknown fields, answers with every field required."""
        for component in self._registry._components.values():
            if component.type == ResolvedComponent.SCHEMA:
                _settle(component.schema, component.object)
        schemas: dict[str, Schema] = typed(tidy(self._registry.build({})))["schemas"]
        return schemas


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def nullable(reference: Schema) -> Schema:
    """A reference or null, in the form that drf-spectacular writes."""
    return {"oneOf": [reference, {"type": "null"}]}


def union(description: str, discriminator: str, names: Mapping[str, str]) -> Schema:
    """One of these components; `names` has them by the value of the field that discriminates between them."""
    mapping = {value: ref(name)["$ref"] for value, name in names.items()}
    return {
        "description": description,
        "oneOf": [ref(name) for name in names.values()],
        "discriminator": {"propertyName": discriminator, "mapping": mapping},
    }


def typed(node: Any) -> Any:
    """The same schemas with a `type` beside each `const` and `enum`, which code generators need."""
    if isinstance(node, list):
        return [typed(item) for item in node]
    if not isinstance(node, dict):
        return node
    inside = {key: typed(value) for key, value in node.items()}
    values = node["enum"] if isinstance(node.get("enum"), list) else []
    if "const" in node and not isinstance(node["const"], dict):  # a property may have the name `const`
        values = [node["const"]]
    names = list({_type_of(value): None for value in values})
    return ({"type": names[0] if len(names) == 1 else names} | inside) if names else inside


def _type_of(value: object) -> str:
    names = ((bool, "boolean"), (int, "integer"), (str, "string"), (type(None), "null"))
    return next(name for kind, name in names if isinstance(value, kind))


def _settle(schema: Schema, kind: Any) -> None:
    kind = kind if isinstance(kind, type) else type(kind)
    if "properties" not in schema or not issubclass(kind, serializers.Serializer):
        return
    if issubclass(kind, StrictSerializer):
        schema["additionalProperties"] = False
        _describe_defaults(schema)
        _set_min_lengths(schema, kind)
        if schema.get("description") == inspect.getdoc(StrictSerializer):
            del schema["description"]  # inherited, and about the code
    else:
        optional = {name for name, field in kind().fields.items() if not (field.required or field.read_only)}
        schema["required"] = [name for name in schema["properties"] if name not in optional]


def _describe_defaults(body: Schema) -> None:
    """Move each default to the description: generators make a field with `default` a required one."""
    for field in body.get("properties", {}).values():
        default = field.pop("default", None)
        if default is not None:
            words = f"`{json.dumps(default)}` when absent."
            field["description"] = f"{field['description']} {words}" if "description" in field else words


def _set_min_lengths(body: Schema, kind: Kind) -> None:
    """Set minLength 1 where a text may not be empty."""
    for name, field in kind().fields.items():
        if isinstance(field, serializers.CharField) and not field.allow_blank:
            body["properties"][name].setdefault("minLength", 1)


def tidy(node: Any) -> Any:
    """The schema without spectacular's own keywords, and without wrappers around a single reference.

    A property may have the name of such a keyword; its schema is then an object.
    """
    if isinstance(node, list):
        return [tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: tidy(value) for key, value in node.items() if key not in DROPPED or isinstance(value, dict)}
    if set(kept) == {"allOf"} and len(kept["allOf"]) == 1:
        only: Schema = kept["allOf"][0]
        return only
    # A format, or the empty text: generators make two types of it.
    if kept.get("oneOf", ())[1:] == [{"type": "string", "maxLength": 0}]:
        text = kept.pop("oneOf")[0]
        return {key: value for key, value in text.items() if key != "format"} | kept
    return kept
