"""PostgreSQL away: which errors mean that, and how to wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notifier.logs import get_logger

log = get_logger(__name__)

FIRST: Final = 0.1  # seconds
LONGEST: Final = 5.0
#: Deadlock, serialization, a server that is (still) a standby, and the classes 08 (connection),
#: 53 (resources), 57 (shutdown).
_PASSING: Final = ("40P01", "40001", "25006", "08", "53", "57")
#: Classes 22 (data) and 23 (integrity): what is to be stored cannot be.
_UNFIT: Final = ("22", "23")

T = TypeVar("T")


def is_away(error: BaseException) -> bool:
    """Whether an error of the database passes by itself, so that trying again makes sense."""
    if isinstance(error, OSError | TimeoutError | PoolTimeout | InterfaceError | OperationalError):
        return True
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_PASSING)
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING)
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError)


def is_unfit(error: BaseException) -> bool:
    """Whether it is the rows themselves that the database will not have, now or later."""
    return isinstance(error, asyncpg.PostgresError) and (error.sqlstate or "").startswith(_UNFIT)


def _never() -> bool:
    return False


async def patiently(
    action: Callable[[], Awaitable[T]], *, what: str, until: Callable[[], bool] = _never
) -> T:
    """Do something in the database, as often as it takes for it to be there.

    Once ``until`` says so, the next failure is raised.
    """
    delay = FIRST
    while True:
        try:
            return await action()
        except Exception as error:
            if not is_away(error) or until():
                raise
            log.warning("database away", what=what, error=type(error).__name__)
        await asyncio.sleep(delay)
        delay = min(delay * 2, LONGEST)
