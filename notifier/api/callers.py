"""Who calls: the owner of the API key of a request."""

from fastapi import Request, Response

from .limits import admission_of
from .problems import problem
from .services import Caller, Services


async def caller_of(request: Request, services: Services) -> Caller | None:
    """The owner of the bearer key, or None where there is none in force.

    Raises :class:`~notifier.api.limits.Refused` where the key has too many requests under way.
    """
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return None
    caller = await services.authenticate(key.strip())
    if caller is not None and (admission := admission_of(request)):
        admission.known(caller.actor.name)
    return caller


def unauthorized(language: str) -> Response:
    """The answer to a request without a key in force."""
    challenge = {"WWW-Authenticate": 'Bearer realm="notifier"'}
    return problem(401, "unauthorized", language, headers=challenge)
