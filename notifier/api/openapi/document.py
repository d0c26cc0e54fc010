"""The document as a whole."""

from functools import cache
from typing import Any, Final

import orjson

from .answers import header_components, problem_responses
from .paths import parameter_components, paths
from .schemas import schemas

_DESCRIPTION: Final = """Events of a billing system in; what was decided and what became of
messages out. 202 means committed. The same request may always be sent again.

Every answer has an `X-Request-Id`. Errors are problem documents (RFC 9457). An unknown path is
answered with `NotFound`, another method of a known one with `MethodNotAllowed`, what is no HTTP
at all with `BadRequest`. Fields, codes and words may be added: pass over what you do not know."""
_SECURITY: Final = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `nk_…`. It belongs to one source of events.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "For Postmark; the others sign what they send.",
    },
}


@cache
def document() -> bytes:
    """The OpenAPI 3.1 document as JSON."""
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "notifier", "version": "1", "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths(),
        "components": {
            "schemas": schemas(),
            "responses": problem_responses(),
            "parameters": parameter_components(),
            "headers": header_components(),
            "securitySchemes": _SECURITY,
        },
    }
    return orjson.dumps(made)
