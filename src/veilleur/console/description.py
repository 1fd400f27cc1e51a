"""The interface, described: OpenAPI for programs, one plain page for people."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from veilleur.console.doorkeeper import CSRF_HEADER
from veilleur.console.routing import Declared, declared

SCHEMES: dict[str, dict[str, str]] = {
    "token": {"type": "http", "scheme": "bearer", "description": "issued by a supervisor"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "veilleur",
        "description": f"of a person who signed in; with {CSRF_HEADER} and an Origin where "
        "something changes; named __Host-veilleur under TLS",
    },
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: made once, with what each operation asks for."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, routes=app.routes)
        made.setdefault("components", {})["securitySchemes"] = SCHEMES
        for route in declared(app.router.routes):
            operation = made["paths"].get(route.path, {}).get(route.method.lower())
            if operation is not None:
                _ask(operation, route)
        app.openapi_schema = made
    return app.openapi_schema


def _ask(operation: dict[str, Any], route: Declared) -> None:
    operation["x-permission"] = route.needs
    if not route.needs.startswith("open"):
        operation["security"] = [{name: []} for name in SCHEMES]


def openapi(request: Request) -> Response:
    app = request.app
    assert isinstance(app, FastAPI)
    return JSONResponse(describe(app))


_DOCS = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Veilleur: interface</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/veilleur.css"></head><body><main>
<h1>Veilleur {version}: the JSON interface</h1>
<p>The whole description: <a href="/api/v1/openapi.json">openapi.json</a>. A program sends
<code>Authorization: Bearer</code> and its token; a verdict is for people alone, no token gives
one.</p>
<table><thead><tr><th scope="col">Operation</th><th scope="col">What it does</th>
<th scope="col">Permission</th></tr></thead><tbody>
{rows}
</tbody></table></main></body></html>
"""


def docs(request: Request) -> Response:
    """Without a script: the usual pages load theirs from elsewhere."""
    app = request.app
    assert isinstance(app, FastAPI)
    rows = "\n".join(_rows(describe(app)))
    return HTMLResponse(_DOCS.format(version=escape(app.version), rows=rows))


def _rows(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            words = (
                f"<code>{method.upper()} {escape(path)}</code>",
                escape(operation.get("description", operation["summary"])),
                f"<code>{escape(operation['x-permission'])}</code>",
            )
            yield "<tr>" + "".join(f"<td>{word}</td>" for word in words) + "</tr>"
