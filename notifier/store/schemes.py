"""Schemes: registered fees and brands, effective-dated, corrected only by a further row."""

from dataclasses import asdict
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.money import LineKind
from notifier.model.scheme import Brand, Contact, Fee, Scheme

from .db import dumps, loads, rows, run

_SAVE = """
INSERT INTO schemes (scheme, name, group_no, updated_at) VALUES (:scheme, :name, :group_no, :now)
ON CONFLICT (scheme) DO UPDATE SET name = excluded.name, group_no = excluded.group_no,
    updated_at = excluded.updated_at
"""

# What is no longer in the file is withdrawn, not deleted: what was in force stays on record.
_FEES = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        kind text, yen integer, valid_from date, valid_to date)
), withdrawn AS (
    UPDATE scheme_fees f SET withdrawn_at = :now, withdrawn_by = :actor
    WHERE f.scheme = :scheme AND f.withdrawn_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM given g WHERE (g.kind, g.yen, g.valid_from) = (f.kind, f.yen, f.valid_from)
            AND g.valid_to IS NOT DISTINCT FROM f.valid_to)
)
SELECT g.kind, g.yen, g.valid_from, g.valid_to FROM given g WHERE NOT EXISTS (
    SELECT 1 FROM scheme_fees f WHERE f.scheme = :scheme AND f.withdrawn_at IS NULL
        AND (g.kind, g.yen, g.valid_from) = (f.kind, f.yen, f.valid_from)
        AND g.valid_to IS NOT DISTINCT FROM f.valid_to)
"""

_BRANDS = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(valid_from date, brand jsonb)
), withdrawn AS (
    UPDATE scheme_brands b SET withdrawn_at = :now, withdrawn_by = :actor
    WHERE b.scheme = :scheme AND b.withdrawn_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM given g WHERE (g.valid_from, g.brand) = (b.valid_from, b.brand))
)
SELECT g.valid_from, g.brand FROM given g WHERE NOT EXISTS (
    SELECT 1 FROM scheme_brands b WHERE b.scheme = :scheme AND b.withdrawn_at IS NULL
        AND (g.valid_from, g.brand) = (b.valid_from, b.brand))
"""

# One round trip: every event asks for them.
_ALL = """
SELECT s.scheme, s.name, s.group_no,
    (SELECT CAST(coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'yen', yen,
            'valid_from', valid_from, 'valid_to', valid_to) ORDER BY fee_id), '[]') AS text)
        FROM scheme_fees WHERE scheme = s.scheme AND withdrawn_at IS NULL) AS fees,
    (SELECT coalesce(array_agg(CAST(brand AS text) ORDER BY brand_id), '{}')
        FROM scheme_brands WHERE scheme = s.scheme AND withdrawn_at IS NULL) AS brands
FROM schemes s ORDER BY s.scheme
"""

_ADD_FEE = """
INSERT INTO scheme_fees (scheme, kind, yen, valid_from, valid_to, registered_at,
    registered_by)
VALUES (:scheme, :kind, :yen, :valid_from, :valid_to, :now, :actor)
"""

_ADD_BRAND = """
INSERT INTO scheme_brands (scheme, valid_from, brand, registered_at, registered_by)
VALUES (:scheme, :valid_from, CAST(:brand AS jsonb), :now, :actor)
"""


async def save(conn: AsyncConnection, scheme: Scheme, *, actor: Actor, now: datetime) -> None:
    """Register a scheme as given; fees and brands that it no longer has are withdrawn."""
    stamp: dict[str, Any] = {"scheme": scheme.scheme, "now": now, "actor": str(actor)}
    named = {"scheme": scheme.scheme, "name": scheme.name, "group_no": scheme.group_no, "now": now}
    await run(conn, _SAVE, named)
    fees = dumps([asdict(f) for f in scheme.fees])
    for fee in await rows(conn, _FEES, {**stamp, "rows": fees}):
        await run(conn, _ADD_FEE, {**stamp, **fee})
    brands = dumps([{"valid_from": b.valid_from, "brand": asdict(b)} for b in scheme.brands])
    for brand in await rows(conn, _BRANDS, {**stamp, "rows": brands}):
        await run(
            conn,
            _ADD_BRAND,
            {**stamp, "valid_from": brand["valid_from"], "brand": dumps(loads(brand["brand"]))},
        )


async def all_of(conn: AsyncConnection) -> dict[str, Scheme]:
    """Every scheme with what is in force, by key."""
    return {
        r["scheme"]: Scheme(
            scheme=r["scheme"],
            name=r["name"],
            group_no=r["group_no"],
            fees=_fees(r["fees"]),
            brands=tuple(map(brand, r["brands"])),
        )
        for r in await rows(conn, _ALL)
    }


@lru_cache(maxsize=256)
def _fees(stored: str) -> tuple[Fee, ...]:
    """Fees from their JSON text; the same text is the same objects."""
    return tuple(
        Fee(
            kind=LineKind(f["kind"]),
            yen=f["yen"],
            valid_from=date.fromisoformat(f["valid_from"]),
            valid_to=date.fromisoformat(f["valid_to"]) if f["valid_to"] else None,
        )
        for f in orjson.loads(stored)
    )


@lru_cache(maxsize=256)
def brand(stored: str) -> Brand:
    """A brand from its stored JSON text; the same text is the same object."""
    found = orjson.loads(stored)
    return Brand(
        **{
            **found,
            "valid_from": date.fromisoformat(found["valid_from"]),
            "agency": Contact(**found["agency"]),
            "desk": Contact(**found["desk"]),
            "allowed_domains": tuple(found["allowed_domains"]),
        }
    )
