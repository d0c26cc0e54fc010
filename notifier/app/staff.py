"""Staff: whom alerts reach."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake.addresses import parse_email
from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError
from notifier.store import log
from notifier.store import staff as store

from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMember:
    """One of the staff."""

    login: str
    name: str
    email: str


async def save_staff(
    engine: AsyncEngine, login: str, name: str, email: str, *, actor: Actor, now: datetime
) -> None:
    """Register a member of staff, or change name and address. Raises :class:`BadInput`."""
    found = [(n, text_problem(text)) for n, text in (("login", login), ("name", name))]
    if wrong := [FieldError(n, code, {"limit": MAX_TEXT}) for n, code in found if code]:
        raise BadInput(wrong)
    async with engine.begin() as conn:
        await store.save(conn, login, name, parse_email(email), now=now)
        await log.append(conn, "staff", [{"reason": f"saved:{login}"}], actor=actor, now=now)


async def find_staff(engine: AsyncEngine) -> list[StaffMember]:
    """Return all staff."""
    async with engine.connect() as conn:
        return [value_of(StaffMember, r) for r in await store.everyone(conn)]
