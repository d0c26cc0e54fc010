"""Suppressions: addresses that no mail is sent to for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake.addresses import parse_email
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.suppression import KnownSuppression, SuppressionReason, normal
from notifier.rules.calendar import end_of, japan_date
from notifier.store import suppressions as store
from notifier.store import tracking
from notifier.store.suppressions import Suppression

from .returns import TrackingEntry
from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressHistory:
    """Why an address is suppressed, or was: all that counted for and against it."""

    suppressions: tuple[KnownSuppression, ...]
    entries: tuple[TrackingEntry, ...]


async def find_suppressions(
    engine: AsyncEngine, *, ended: bool, limit: int | None, now: datetime
) -> list[KnownSuppression]:
    """Return the newest suppressions in force; with ``ended`` those that have ended as well."""
    async with engine.connect() as conn:
        found = await store.search(conn, now=now, lifted=ended, limit=limit)
    return [value_of(KnownSuppression, r) for r in found]


async def show_address(engine: AsyncEngine, address: str, *, now: datetime) -> AddressHistory:
    """Return what is on record of an address. Raises :class:`NotFound`."""
    written_to = normal(address)
    async with engine.connect() as conn:
        found = await store.of_address(conn, written_to, now=now)
        entries = await tracking.of_address(conn, written_to)
    if not found and not entries:
        raise NotFound("suppression", address)
    return AddressHistory(
        suppressions=tuple(value_of(KnownSuppression, r) for r in found),
        entries=tuple(value_of(TrackingEntry, r) for r in entries),
    )


async def suppress(
    engine: AsyncEngine, address: str, note: str, until: date | None, *, actor: Actor, now: datetime
) -> None:
    """Send no mail to an address, to the end of a day or for good.

    Raises :class:`BadInput` and :class:`NotAllowed` (it is suppressed already).
    """
    if until and until < japan_date(now):
        raise BadInput([FieldError("until", "bad_date")])
    one = Suppression(
        address=normal(parse_email(address)),
        reason=SuppressionReason.BY_PERSON,
        since=now,
        until=end_of(until) if until else None,
        note=note,
    )
    async with engine.begin() as conn:
        if not await store.add_all(conn, [one], actor=actor, now=now):
            text = f"{address} is suppressed already"
            raise NotAllowed(text, code="suppressed_already", address=address)


async def suppress_all(
    engine: AsyncEngine, given: Sequence[Suppression], *, actor: Actor, now: datetime
) -> int:
    """Suppress addresses; those that are so already stay as they are. How many are new."""
    async with engine.begin() as conn:
        return await store.add_all(conn, given, actor=actor, now=now)


async def lift(
    engine: AsyncEngine, suppression_id: int, note: str, *, actor: Actor, now: datetime
) -> None:
    """Send mails to an address again. Raises :class:`NotFound` and :class:`NotAllowed`."""
    async with engine.begin() as conn:
        if await store.get(conn, suppression_id, now=now) is None:
            raise NotFound("suppression", suppression_id)
        if not await store.lift(conn, suppression_id, note=note, actor=actor, now=now):
            text = f"suppression {suppression_id} is lifted already"
            raise NotAllowed(text, code="lifted_already", number=suppression_id)
