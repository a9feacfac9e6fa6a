"""The page /docs/socket: asyncapi.yaml as tables of actions, events, close codes and schemas, without any script."""

import json
from functools import cache
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine
from django.views.decorators.http import require_safe

from settings.docs import ROOT

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
ENVELOPE = ("action", "request_id")  # fields of every frame
TEMPLATE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The socket - Parley</title>
<style>
:root { color-scheme: light dark; }
body { font: 1rem/1.5 sans-serif; max-width: 60rem; margin: auto; padding: 1rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #8888; padding: .25rem .5rem; text-align: left; vertical-align: top; }
pre { overflow-x: auto; border: 1px solid #8888; padding: .5rem; }
</style>
<h1>The socket</h1>
<p>{{ about }} The whole contract is <a href="/asyncapi.yaml">asyncapi.yaml</a>; <a href="/docs">REST</a> has a page of
its own.</p>
<nav>{% for part in parts %}<a href="#{{ part }}">{{ part }}</a> {% endfor %}</nav>
<h2 id="actions">Actions</h2>
<p>A frame has an <code>action</code>, the fields below it, and a <code>request_id</code> that its reply repeats. The
reply's <code>data</code> is the named type on success; else <code>errors</code> has one problem.</p>
{% for action in actions %}
<h3 id="{{ action.name }}"><code>{{ action.name }}</code></h3>
<p>{{ action.summary }}</p>
{% include "fields" with fields=action.fields %}
<p>Reply: {% include "type" with type=action.reply %}. Problems: {% for code in action.codes %}
<a href="/problems/{{ code }}"><code>{{ code }}</code></a>{% endfor %}</p>
<details><summary>Examples</summary>{% for each in action.examples %}<pre>{{ each }}</pre>{% endfor %}</details>
{% endfor %}
<h2 id="pushes">Pushes</h2>
{% for push in pushes %}
<h3 id="push-{{ push.name }}"><code>{{ push.name }}</code></h3>
<p>{{ push.summary }}</p>
<details><summary>Example</summary><pre>{{ push.example }}</pre></details>
{% endfor %}
<h2 id="events">Events</h2>
<p>A durable event is in the log of its stream, with a <code>seq</code>; an ephemeral one is pushed once.</p>
{% for event in events %}
<h3 id="{{ event.type }}-{{ event.stream }}"><code>{{ event.type }}</code></h3>
<p>{{ event.summary }} Stream: {{ event.stream }}; {{ event.durable|yesno:"durable,ephemeral" }}.
{% include "type" with type=event.shape %}</p>
<details><summary>Example</summary><pre>{{ event.example }}</pre></details>
{% endfor %}
<h2 id="closes">Close codes</h2>
<table><tr><th>Code<th>Reasons<th>Reconnect<th>When</tr>
{% for close in closes %}<tr><td>{{ close.code }}<td>{{ close.reasons|join:", " }}
<td>{{ close.reconnect|yesno }}<td>{{ close.when }}</tr>{% endfor %}</table>
<h2 id="types">Types</h2>
{% for shape in types %}
<h3 id="{{ shape.name }}"><code>{{ shape.name }}</code></h3>
<p>{{ shape.about }}</p>
{% include "fields" with fields=shape.fields %}
{% endfor %}
</html>
"""
FIELDS = """{% if fields %}<table><tr><th>Field<th>Type<th>Required<th></tr>
{% for field in fields %}<tr><td><code>{{ field.name }}</code><td>{% include "type" with type=field.type %}
<td>{{ field.required|yesno }}<td>{{ field.about }}</tr>{% endfor %}</table>{% endif %}"""
TYPE = """{% for name in type %}{% if name.0 in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" %}<a href="#{{ name }}">{{ name }}</a>\
{% else %}{{ name }}{% endif %}{% if not forloop.last %} {% endif %}{% endfor %}"""


@require_safe
def socket_page(request: HttpRequest) -> HttpResponse:
    """Serve the page."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "max-age=300"}
    return HttpResponse(_page(), content_type="text/html; charset=utf-8", headers=headers)


@cache
def _page() -> str:
    contract = yaml.load((ROOT / "asyncapi.yaml").read_bytes(), yaml.CSafeLoader)  # a fifth of the time of SafeLoader
    schemas, messages = contract["components"]["schemas"], contract["components"]["messages"]
    operations = contract["operations"].items()
    received = [(name, each) for name, each in operations if each["action"] == "receive" and "reply" in each]
    sent = [(name, each) for name, each in operations if each["action"] == "send"]
    templates = {"page": TEMPLATE, "fields": FIELDS, "type": TYPE}
    engine = Engine(loaders=[("django.template.loaders.locmem.Loader", templates)])
    facts = {
        "about": contract["info"]["description"],
        "parts": ["actions", "pushes", "events", "closes", "types"],
        "actions": [_action(name, operation, schemas, messages) for name, operation in received],
        "pushes": [
            {
                "name": name,
                "summary": push["summary"],
                "example": _json(messages[_name(push["messages"][0])]["examples"][0]["payload"]),
            }
            for name, push in sent
        ],
        "events": [
            {**row, "shape": [_name(row["schema"])], "example": _json(row["example"])}
            for row in contract["x-event-types"]
        ],
        "closes": contract["x-close-codes"],
        "types": [
            {"name": name, "about": schema.get("description", ""), "fields": _fields(schema)}
            for name, schema in schemas.items()
            if not name.endswith(("Frame", "Reply"))
        ],
    }
    return engine.get_template("page").render(Context(facts))


def _action(name: str, operation: Any, schemas: Any, messages: Any) -> dict[str, Any]:
    frame, reply = _name(operation["messages"][0]), _name(operation["reply"]["messages"][0])
    return {
        "name": name,
        "summary": operation["summary"],
        "fields": [field for field in _fields(schemas[frame]) if field["name"] not in ENVELOPE],
        "reply": _type(schemas[reply]["properties"]["data"]),
        "codes": operation["x-problem-codes"],
        "examples": [_json(each["payload"]) for part in (frame, reply) for each in messages[part]["examples"]],
    }


def _fields(schema: Any) -> list[dict[str, Any]]:
    required = schema.get("required", ())
    return [
        {"name": name, "type": _type(field), "required": name in required, "about": field.get("description", "")}
        for name, field in schema.get("properties", {}).items()
    ]


def _type(schema: Any) -> list[str]:
    """Return the words of a schema's type: names of types, which become links, and others."""
    if "$ref" in schema:
        return [_name(schema)]
    if "oneOf" in schema:
        words = [word for part in schema["oneOf"] for word in ("or", *_type(part))]
        return words[1:]
    if "const" in schema:
        return [_json(schema["const"])]
    if "enum" in schema:
        return [", ".join(map(_json, schema["enum"]))]
    kinds = schema.get("type", "any value")
    words = [kinds] if isinstance(kinds, str) else [" or ".join(kinds)]
    return [*words, "of", *_type(schema["items"])] if "items" in schema else words


def _name(reference: Any) -> str:
    name: str = reference["$ref"].rsplit("/", 1)[1]
    return name


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) if isinstance(value, dict) else json.dumps(value)
