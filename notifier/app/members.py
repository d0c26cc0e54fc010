"""Looking at members of the register: one of them, those that match a text, what has changed."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.model.member import Member
from notifier.model.register import values_of
from notifier.postal.characters import fold_name
from notifier.store import lookups, member_changes
from notifier.store import members as store
from notifier.store.member_changes import Known

__all__ = ["Known", "find", "history", "show"]
_SET: Final = 2_000
_SOUGHT: Final = ("name", "kana", "email", "phone")


async def show(engine: AsyncEngine, number: str) -> Member:
    """A member by number. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await store.by_number(conn, [number])
        if number not in found:
            raise NotFound("member", number, forms=await lookups.member_forms(conn))
    return found[number]


async def find(engine: AsyncEngine, text: str, *, limit: int) -> list[Member]:
    """Members whose number, name, kana, mail, address or phone holds a text, one beyond ``limit``.

    Width, case, kana, spaces, hyphens and forms of characters (髙 and 高) make no difference.
    Raises :class:`BadInput` where nothing is left to look for.
    """
    sought = fold_name(text)
    if not sought:
        raise BadInput([FieldError("TEXT", "empty")])
    found: list[Member] = []
    async with engine.connect() as conn:
        exact = await store.by_number(conn, [text.strip()])
        found += exact.values()
        async for member in _all(conn):
            if member.member_no not in exact and sought in _text(member):
                found.append(member)
                if len(found) > limit:
                    break
    return found


async def history(engine: AsyncEngine, number: str, *, limit: int) -> list[Known]:
    """What has changed a member, the newest first. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        known = await member_changes.of_member(conn, number, limit=limit)
        if not known and not await store.by_number(conn, [number]):
            raise NotFound("member", number, forms=await lookups.member_forms(conn))
    return known


async def _all(conn: AsyncConnection) -> AsyncIterator[Member]:
    last = 0
    while page := await store.all_after(conn, last, limit=_SET):
        for member in page:
            yield member
        last = page[-1].member_id


def _text(member: Member) -> str:
    """All by which a member may be found, folded at once; ``|`` is between the fields."""
    values = values_of(member)
    address = member.address
    place = (address.postcode, "".join(address.lines)) if address else ()
    return fold_name("|".join((member.member_no, *(values[name] for name in _SOUGHT), *place)))
