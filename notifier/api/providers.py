"""``POST /v1/webhooks/<provider>``: what mail providers tell about mails handed to them."""

from typing import Final

from fastapi import APIRouter, Request, Response

from notifier.intake.envelope import MAX_BODY
from notifier.logs import get_logger
from notifier.model.access import Denied, Refusal
from notifier.model.errors import BadInput
from notifier.returns.providers.base import NotGenuine

from .callers import refused
from .language import preferred
from .limits import admission_of
from .problems import bad_input, problem
from .requests import read_body
from .services import Services

_log = get_logger(__name__)
#: What must be read before anybody can say whose it is: SNS sends 256 KB at most, SendGrid 768.
_UNKNOWN_BODY: Final = 1024 * 1024


def routes(services: Services) -> APIRouter:
    """The routes; one that the settings do not name is not found."""
    router = APIRouter(prefix="/v1/webhooks")

    @router.post("/{provider}", status_code=204)
    async def post_events(provider: str, request: Request) -> Response:
        """Take what a provider tells: 204 once it is committed."""
        language = preferred(request.headers.get("accept-language", ""))
        if not services.listens_to(provider):
            return problem(404, "not_found", language)
        response = await _take(request, services, provider, language)
        _log.info("api.provider", provider=provider, status=response.status_code)
        return response

    return router


async def _take(request: Request, services: Services, provider: str, language: str) -> Response:
    try:
        body = await _body(request, services, provider)
        await services.take_returns(provider, request.headers, body)
    except BadInput as wrong:
        return bad_input(wrong.errors, language)
    except NotGenuine as why:
        _log.warning("api.provider_refused", provider=provider, why=str(why))
        denied = Denied(Refusal.WRONG_CREDENTIALS)
        await refused(request, services, f"webhooks/{provider}", denied)
        # Only who is asked for it sends a name and a password along.
        headers = {"WWW-Authenticate": why.challenge} if why.challenge else None
        return problem(401 if headers else 403, "forbidden", language, headers=headers)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def _body(request: Request, services: Services, provider: str) -> bytes:
    """The body, after a look at who says that it is theirs. Raises ``NotGenuine``."""
    vouched = services.vouches(provider, request.headers)
    if vouched and (admission := admission_of(request)):
        admission.vouched()
    return await read_body(request, MAX_BODY if vouched else _UNKNOWN_BODY)
