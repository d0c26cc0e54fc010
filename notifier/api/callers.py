"""Who calls: the owner of the API key of a request."""

from fastapi import Request, Response

from .problems import problem
from .services import Caller, Services


async def caller_of(request: Request, services: Services) -> Caller | None:
    """The owner of the bearer key, or None where there is none in force."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return None
    return await services.authenticate(key.strip())


def unauthorized(language: str) -> Response:
    """The answer to a request without a key in force."""
    challenge = {"WWW-Authenticate": 'Bearer realm="notifier"'}
    return problem(401, "unauthorized", language, headers=challenge)
