"""Roles of the database: who owns the schema, who works with it, who only reads.

The owner runs migrations and makes partitions. Everything else runs as ``notifier_runtime``, which
can neither change the schema nor an entry of the log; ``notifier_reader`` reads, for reports and
auditors. On a server of one's own whoever may not create roles leaves them to its administrator
(docs/security.md).
"""

from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

RUNTIME: Final = "notifier_runtime"
READER: Final = "notifier_reader"
#: What is only ever added to.
_APPEND_ONLY: Final = ("log",)
#: What readers do not see: what users and scripts prove with who they are.
_CREDENTIALS: Final = (
    "user_credentials", "user_recovery_codes", "user_sessions", "user_requests", "service_accounts",
)  # fmt: skip
#: What only the owner changes.
_OWNERS: Final = ("alembic_version",)

_MAY_GRANT = """
SELECT rolsuper OR (rolcreaterole AND pg_get_userbyid(datdba) = current_user)
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
"""

_KNOWN = "SELECT count(*) = 2 FROM pg_roles WHERE rolname IN (:runtime, :reader)"

# Another database of the same server may make them at this moment.
_CREATE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} LOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$
"""

# Rows of a partition are reached through their table only, whose rights count.
_GRANT = f"""
DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT oid::regclass AS name, relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO {RUNTIME}', found.name);
        IF NOT found.relname = ANY ('{{{",".join(_CREDENTIALS)}}}') THEN
            EXECUTE format('GRANT SELECT ON %s TO {READER}', found.name);
        END IF;
        CONTINUE WHEN found.relname = ANY ('{{{",".join(_OWNERS)}}}');
        EXECUTE format('GRANT INSERT ON %s TO {RUNTIME}', found.name);
        CONTINUE WHEN found.relname = ANY ('{{{",".join(_APPEND_ONLY)}}}');
        EXECUTE format('GRANT UPDATE, DELETE ON %s TO {RUNTIME}', found.name);
    END LOOP;
END $$
"""


async def may_grant(conn: AsyncConnection) -> bool:
    """Whether whoever is connected may create roles and grant them this database."""
    return bool(await conn.scalar(text(_MAY_GRANT)))


async def are_known(conn: AsyncConnection) -> bool:
    """Whether the server has both roles."""
    return bool(await conn.scalar(text(_KNOWN), {"runtime": RUNTIME, "reader": READER}))


async def grant(conn: AsyncConnection) -> None:
    """Create the roles where they are missing, and give them their rights to all tables."""
    for role in (RUNTIME, READER):
        await conn.execute(text(_CREATE.format(role=role)))
    await conn.execute(text(f"GRANT USAGE ON SCHEMA public TO {RUNTIME}, {READER}"))
    await conn.execute(text(f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {RUNTIME}"))
    await conn.execute(text(_GRANT))
