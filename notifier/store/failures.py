"""What an error of the database means, judged by its SQLSTATE and never by its words.

Away passes by itself, a conflict was lost to another transaction, and what was refused is refused
the next time too: it is a fault of ours, or what was to be stored does not fit.
"""

import asyncio
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Final, TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notifier.logs import get_logger

_log = get_logger(__name__)
_FIRST: Final = 0.1  # seconds
_LONGEST: Final = 5.0
T = TypeVar("T")

STARTING_UP: Final = "57P03"  # or recovering, or shutting down
#: Serialization failure, deadlock, lock not available in time.
_CONFLICT: Final = frozenset({"40001", "40P01", "55P03"})
#: Connection; a server that is (still) a standby; a session or transaction that was ended for its
#: length; resources; intervention by an operator; errors of the system beneath.
_AWAY: Final = ("08", "25006", "25P03", "25P04", "53", "57", "58")


class Failure(Enum):
    """What follows from an error of the database."""

    AWAY = auto()  # it cannot be reached, or takes nobody: wait, then try again
    CONFLICT = auto()  # another transaction came first: try again
    REFUSED = auto()  # trying again ends the same: tell a person, and go on with the others


def failure_of(error: BaseException) -> Failure | None:
    """What an error of the database means; None: it is no error of the database."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated:
            return Failure.AWAY
        return _of_driver(error.orig)
    if isinstance(error, PoolTimeout | OSError):  # a TimeoutError is an OSError
        return Failure.AWAY
    if isinstance(error, SQLAlchemyError):
        return Failure.REFUSED
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        return _of_driver(error)
    return Failure.AWAY if isinstance(error, asyncpg.InternalClientError) else None


def _of_driver(error: BaseException | None) -> Failure:
    if state := getattr(error, "sqlstate", None):
        if state in _CONFLICT:
            return Failure.CONFLICT
        return Failure.AWAY if state.startswith(_AWAY) else Failure.REFUSED
    said = error if isinstance(error, asyncpg.InterfaceError) else getattr(error, "__cause__", None)
    if isinstance(said, ValueError):  # the driver cannot even put a value into a statement
        return Failure.REFUSED
    if isinstance(said, asyncpg.InvalidCachedStatementError):  # the schema was changed meanwhile
        return Failure.CONFLICT
    lost = asyncpg.InterfaceError | asyncpg.InternalClientError | OSError
    return Failure.AWAY if isinstance(said, lost) else Failure.REFUSED


def passes(error: BaseException) -> bool:
    """Whether the same may go through another time: the database is away, or has a conflict."""
    return failure_of(error) in (Failure.AWAY, Failure.CONFLICT)


def is_conflict(error: BaseException) -> bool:
    """Whether a transaction was only ended in favour of another one."""
    return failure_of(error) is Failure.CONFLICT


def is_refused(error: BaseException) -> bool:
    """Whether the database will not have it, now or later."""
    return failure_of(error) is Failure.REFUSED


def is_bad_data(error: BaseException) -> bool:
    """Whether it is the rows themselves that the database will not have (classes 22 and 23)."""
    return (sqlstate_of(error) or "").startswith(("22", "23"))


def sqlstate_of(error: BaseException) -> str | None:
    """The SQLSTATE of an error, as the server said it."""
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state if isinstance(state, str) else None


def _never() -> bool:
    return False


async def patiently(
    action: Callable[[], Awaitable[T]], *, what: str, until: Callable[[], bool] = _never
) -> T:
    """Do something in the database, as often as it takes for it to be there.

    Once ``until`` says so, the next failure is raised.
    """
    delay = _FIRST
    while True:
        try:
            return await action()
        except Exception as error:
            if not passes(error) or until():
                raise
            _log.warning("database away", what=what, error=type(error).__name__)
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LONGEST)
