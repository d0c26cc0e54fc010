"""``/healthz`` and ``/readyz``: whether the process lives, whether it can take events."""

from fastapi import APIRouter, Request, Response

from .language import preferred
from .problems import answer, problem
from .services import Services


def routes(services: Services) -> APIRouter:
    """The two routes; they need no key and say nothing but yes or no."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> Response:
        """The process answers."""
        return answer(200, {"status": "ok"})

    @router.get("/readyz")
    async def readyz(request: Request) -> Response:
        """Events can be accepted."""
        if await services.ready():
            return answer(200, {"status": "ready"})
        language = preferred(request.headers.get("accept-language", ""))
        return problem(503, "unavailable", language, headers={"Retry-After": "5"})

    return router
