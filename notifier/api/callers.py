"""Who calls: the owner of the API key of a request."""

from fastapi import Request, Response

from notifier.model.access import Denied, Refusal, Scope

from .language import preferred
from .limits import admission_of
from .problems import problem
from .services import Caller, Services

API = "api"  # the interface that keys are for


async def admitted(
    request: Request, services: Services, scope: Scope, *, tests: bool = True
) -> tuple[str, Caller] | Response:
    """The request's language and the owner of its key, or the answer that turns it away.

    ``scope``: what the key must be good for; ``tests``: whether keys for tests may ask this. Raises
    :class:`~notifier.api.limits.Refused` where the key has too many requests under way.
    """
    language = preferred(request.headers.get("accept-language", ""))
    try:
        caller = await services.authenticate(_bearer(request))
    except Denied as why:
        await refused(request, services, API, why)
        return unauthorized(language)
    if admission := admission_of(request):
        admission.known(caller.actor.name)
    if caller.test and not tests:
        return problem(403, "test_key", language)
    if outside := await out_of_scope(request, services, caller, scope, language):
        return outside
    return language, caller


async def out_of_scope(
    request: Request, services: Services, caller: Caller, scope: Scope, language: str
) -> Response | None:
    """The answer where a key is not good for something; it is put on record."""
    if scope in caller.scopes:
        return None
    await refused(request, services, API, Denied(Refusal.OUT_OF_SCOPE, caller.actor.name))
    return problem(403, "out_of_scope", language)


def unauthorized(language: str) -> Response:
    """The answer to a request without a key in force."""
    challenge = {"WWW-Authenticate": 'Bearer realm="notifier"'}
    return problem(401, "unauthorized", language, headers=challenge)


async def refused(request: Request, services: Services, interface: str, why: Denied) -> None:
    """Put on record that a request was turned away."""
    address = request.client.host if request.client else ""
    await services.refused(address, interface, why)


def _bearer(request: Request) -> str:
    """The bearer key. Two headers of that name are none: others may go by the other one."""
    given = request.headers.getlist("authorization")
    if not given:
        raise Denied(Refusal.NO_KEY)
    scheme, _, key = given[0].partition(" ")
    if len(given) > 1 or scheme.lower() != "bearer" or not key.strip():
        raise Denied(Refusal.NOT_A_KEY)
    return key.strip()
