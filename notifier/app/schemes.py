"""Schemes: registered fees and brands."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.release import recheck
from notifier.model.actor import Actor
from notifier.model.scheme import Scheme
from notifier.store import log
from notifier.store import schemes as store


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredFee:
    """A fee in force of a scheme."""

    scheme: str
    name: str
    group_no: str
    kind: str
    yen: int
    valid_from: date
    valid_to: date | None


async def save_scheme(
    engine: AsyncEngine, acceptor: Acceptor, scheme: Scheme, *, actor: Actor, now: datetime
) -> int:
    """Register a scheme; what it no longer has is withdrawn.

    Returns how many messages are held now because they contradict it.
    """
    async with engine.begin() as conn:
        await store.save(conn, scheme, actor=actor, now=now)
        entry = {"reason": f"saved:{scheme.scheme}"}
        await log.append(conn, "scheme", [entry], actor=actor, now=now)
        house = await acceptor.house(conn)
        return await recheck(conn, scheme.scheme, house, actor=actor, now=now)


async def known_schemes(engine: AsyncEngine) -> dict[str, Scheme]:
    """Return all schemes by their names."""
    async with engine.connect() as conn:
        return await store.all_of(conn)


async def fees(engine: AsyncEngine) -> list[RegisteredFee]:
    """Return all schemes' fees in force."""
    return [
        RegisteredFee(
            scheme=s.scheme,
            name=s.name,
            group_no=s.group_no,
            kind=f.kind,
            yen=f.yen,
            valid_from=f.valid_from,
            valid_to=f.valid_to,
        )
        for s in (await known_schemes(engine)).values()
        for f in s.fees
    ]
