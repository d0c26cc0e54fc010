"""``/healthz``, ``/readyz``, ``/openapi.json``: whether it lives, takes events, what it is."""

from fastapi import APIRouter, Request, Response

from .language import preferred
from .openapi import document
from .problems import answer, problem
from .services import Services


def routes(services: Services) -> APIRouter:
    """The routes that need no key; they say nothing of anybody."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return answer(200, {"status": "ok"})

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        """Events can be accepted; and how the periodic jobs of this process fare."""
        if await services.ready():
            return answer(200, {"status": "ready", "jobs": services.periodic_jobs()})
        language = preferred(request.headers.get("accept-language", ""))
        return problem(503, "unavailable", language, headers={"Retry-After": "5"})

    @router.get("/openapi.json")
    async def openapi() -> Response:
        """Every route, body, answer and error."""
        return Response(document(), media_type="application/json")

    return router
