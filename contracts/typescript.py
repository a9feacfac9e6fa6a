"""The types and codes of the TypeScript client, generated from the two contracts.

`contract.ts` has every schema as a type, each action with its body and its answer, and each REST call by its method and
path. `codes.ts` has the only values: close codes and event types.
"""

from __future__ import annotations

import json
import re

from contracts.asyncapi import asyncapi
from contracts.components import Schema
from contracts.frames import actions
from contracts.openapi import openapi

FOLDER = "clients/typescript/src/generated"
HEADER = "// Generated from the contracts by `make schema`; do not edit.\n\n"
METHODS = ("get", "put", "post", "patch", "delete")
SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "array": "unknown[]",
}


def contract_types() -> str:
    """Generate `contract.ts`."""
    document = openapi()
    schemas = document["components"]["schemas"]
    declared = []
    for name, schema in sorted(schemas.items()):
        comment = _comment(schema.get("description", ""), "")
        if schema.get("type") == "object" and "properties" in schema:
            declared.append(f"{comment}export interface {name} {_object(schema, '')}\n")
        else:
            declared.append(f"{comment}export type {name} = {type_of(schema)};\n")
    return HEADER + "\n".join([*declared, _actions(), _endpoints(document["paths"])])


def client_codes() -> str:
    """Generate `codes.ts`."""
    document = asyncapi()
    closes = {row["code"]: row["reconnect"] for row in document["x-close-codes"]}
    final = [code for code, reconnect in closes.items() if not reconnect]
    rows = document["x-event-types"]
    durable = [row["type"] for row in rows if row["durable"]]
    ephemeral = [row["type"] for row in rows if not row["durable"]]
    return HEADER + "\n".join(
        [
            "/** Close codes after which the same connection would end the same way: the client does not come back. */",
            f"export const FINAL_CLOSE_CODES: readonly number[] = {json.dumps(final)};\n",
            "/** Every close code of the server. A connection that is lost without one has 1006. */",
            f"export type CloseCode = {' | '.join(str(code) for code in closes)};\n",
            "/** The types of events that are stored, and replayed to a client that was away. */",
            f"export const DURABLE_EVENT_TYPES = {json.dumps(durable)} as const;\n",
            "/** The types of events that are only live. */",
            f"export const EPHEMERAL_EVENT_TYPES = {json.dumps(ephemeral)} as const;\n",
        ]
    )


def _comment(text: str, indent: str) -> str:
    lines = text.strip().replace("*/", "* /").splitlines()
    if len(lines) < 2:
        return "".join(f"{indent}/** {line} */\n" for line in lines)
    body = "".join(f"{indent} *{' ' if line else ''}{line}\n" for line in lines)
    return f"{indent}/**\n{body}{indent} */\n"


def _object(schema: Schema, indent: str) -> str:
    inner = indent + "  "
    text = "{\n"
    for name, value in schema["properties"].items():
        mark = "" if name in schema.get("required", []) else "?"
        text += f"{_comment(value.get('description', ''), inner)}{inner}{name}{mark}: {type_of(value, inner)};\n"
    return text + indent + "}"


def type_of(schema: Schema, indent: str = "") -> str:
    """Return the TypeScript type of a schema, whose lines begin with `indent`."""
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[-1])
    if "oneOf" in schema:
        return " | ".join(dict.fromkeys(type_of(each, indent) for each in schema["oneOf"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    named = schema.get("type", [])
    kinds = [named] if isinstance(named, str) else named
    return " | ".join(_of_kind(kind, schema, indent) for kind in kinds) or "unknown"


def _of_kind(kind: str, schema: Schema, indent: str) -> str:
    if kind == "array" and "items" in schema:
        item = type_of(schema["items"], indent)
        return f"({item})[]" if "|" in item else f"{item}[]"
    if kind == "object":
        if schema.get("properties"):
            return _object(schema, indent)
        values = schema.get("additionalProperties", {})
        return f"Record<string, {type_of(values, indent) if isinstance(values, dict) else 'never'}>"
    return SCALARS[kind]


def _actions() -> str:
    lines = [
        f'  {action.name}: {{ body: Omit<{action.component}Frame, "action" | "request_id">; '
        f'data: NonNullable<{action.component}Reply["data"]> }};\n'
        for action in actions()
    ]
    comment = "/** The actions of the socket: the body of each, and the data of its reply. */\n"
    return f"{comment}export interface Actions {{\n{''.join(lines)}}}\n"


def _endpoints(paths: Schema) -> str:
    lines = [
        f"  {json.dumps(f'{method.upper()} {path}')}: {_endpoint(operation)};\n"
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method in METHODS
    ]
    comment = "/** REST: each call by its method and path. */\n"
    return f"{comment}export interface Endpoints {{\n{''.join(lines)}}}\n"


def _endpoint(operation: Schema) -> str:
    parameters = operation.get("parameters", [])
    path = [f"{each['name']}: string" for each in parameters if each.get("in") == "path"]
    query = [f"{each['name']}?: {type_of(each['schema'])}" for each in parameters if each.get("in") == "query"]
    answers = operation["responses"].items()
    replies = [_content(answer) for status, answer in answers if re.fullmatch("2..", status)]
    parts = {
        "path": _shape(path),
        "query": _shape(query),
        "body": _content(operation.get("requestBody")),
        "reply": " | ".join(dict.fromkeys(replies)),
    }
    return "{ " + "; ".join(f"{name}: {value}" for name, value in parts.items()) + " }"


def _shape(fields: list[str]) -> str:
    return "{ " + "; ".join(fields) + " }" if fields else "undefined"


def _content(holder: Schema | None) -> str:
    if holder is None:
        return "undefined"
    types = [
        type_of(media["schema"]) for kind, media in holder.get("content", {}).items() if kind == "application/json"
    ]
    return types[0] if types else "undefined"
