"""Users: who gets in, and who may what."""

from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import api_keys, new_credentials, sign_in, users
from notifier.app.api_keys import KeyWish
from notifier.app.credentials import enrolment
from notifier.model.access import USUAL_SCOPES, Scope
from notifier.model.errors import NotAllowed
from notifier.model.role import RULES, Permission, Role, permissions_of
from notifier.model.user import RequestKind
from notifier.store import staff
from notifier.store.db import rows, scalar
from tests.app.office import (
    PASSWORD,
    PASSWORDS,
    Office,
    person,
    try_sign_in,
)


async def test_from_the_first_administrator_to_an_office(here: Office, engine: AsyncEngine) -> None:
    mori = await here.signed_in("mori")
    assert mori.roles == {Role.ADMINISTRATOR, Role.OPERATOR}
    assert (await here.signed_in("kishi")).permissions == permissions_of(
        set(Role) - {Role.ADMINISTRATOR}
    )
    listed = {u.login: u.roles for u in await users.everyone(engine, mori)}
    assert listed["hara"] == {Role.ADMINISTRATOR}
    session = await sign_in.sign_in(
        engine, PASSWORDS, "kishi", PASSWORD, here.staff["kishi"].code(here.later()), now=here.now
    )
    assert (await sign_in.principal_of(engine, session.token, now=here.now)) is not None
    await sign_in.sign_out(engine, session.token)
    assert await sign_in.principal_of(engine, session.token, now=here.now) is None


async def test_everything_is_on_the_log(here: Office, engine: AsyncEngine) -> None:
    await users.grant(engine, await here.proven("mori"), "hara", Role.COMPLIANCE, now=here.now)
    async with engine.connect() as conn:
        found = await rows(conn, "SELECT actor, reason FROM log WHERE kind = 'user' ORDER BY 1, 2")
    said = {(r["actor"], r["reason"]) for r in found}
    assert {
        ("system:users-first", "first:mori"),
        ("user:mori", "requested:founding:hara"),
        ("user:hara", "accepted:founding:hara"),
        ("user:mori", "requested:invitation:kishi"),
        ("user:hara", "confirmed:invitation:kishi"),
        ("user:kishi", "accepted:invitation:kishi"),
        ("user:mori", "granted:compliance:hara"),
    } <= said


async def test_nothing_secret_is_kept_as_it_is(here: Office, engine: AsyncEngine) -> None:
    kishi = here.staff["kishi"]
    tables = ("user_credentials", "user_recovery_codes", "user_sessions", "user_requests", "log")
    async with engine.connect() as conn:
        for table in tables:
            kept = str(await rows(conn, f"SELECT * FROM {table}"))
            for secret in (PASSWORD, kishi.token, *kishi.recovery):
                assert secret not in kept
        hashed = await scalar(conn, "SELECT password_hash FROM user_credentials LIMIT 1")
    assert str(hashed).startswith("$argon2id$")


async def test_readers_of_the_database_do_not_see_credentials(engine: AsyncEngine) -> None:
    async with engine.connect() as conn:
        found = await rows(
            conn,
            """SELECT table_name FROM information_schema.role_table_grants
               WHERE grantee = 'notifier_reader' AND privilege_type = 'SELECT'""",
        )
    seen = {str(r["table_name"]) for r in found}
    assert "staff" in seen
    assert not {n for n in seen if n.startswith("user_cred") or n == "user_sessions"}
    assert not {"user_recovery_codes", "user_requests", "service_accounts"} & seen


@pytest.mark.parametrize("lost", ["authenticator", "password"])
async def test_one_lost_of_three_is_recovered(here: Office, engine: AsyncEngine, lost: str) -> None:
    kishi = here.staff["kishi"]
    here.later(timedelta(minutes=2))
    other = PASSWORD if lost == "authenticator" else kishi.code(here.now)
    new, secret = here.new("kishi")
    welcome = await new_credentials.recover(
        engine, PASSWORDS, "kishi", kishi.recovery[0], other, new, now=here.now
    )
    assert await sign_in.principal_of(engine, kishi.token, now=here.now) is None
    assert kishi.recovery[1] not in welcome.recovery_codes
    kishi.secret = secret
    await try_sign_in(here, "kishi", PASSWORD, kishi.code(here.later()))


async def test_a_reset_takes_two_and_keeps_the_roles(here: Office, engine: AsyncEngine) -> None:
    old = here.staff["kishi"].token
    asked = await users.reset(engine, await here.proven("mori"), "kishi", now=here.now)
    agreed = await users.confirm(
        engine, await here.proven("hara"), asked.request.request_id, now=here.now
    )
    assert await sign_in.principal_of(engine, old, now=here.now) is not None
    await here.accepts("kishi", [agreed.code or "", asked.code or ""])
    assert await sign_in.principal_of(engine, old, now=here.now) is None
    assert Role.APPROVER in (await here.signed_in("kishi")).roles


async def test_a_disabled_user_comes_back_by_two(here: Office, engine: AsyncEngine) -> None:
    await users.disable(engine, await here.proven("mori"), "kishi", now=here.now)
    asked = await users.enable(engine, await here.proven("mori"), "kishi", now=here.now)
    assert asked.code is None
    await users.confirm(engine, await here.proven("hara"), asked.request.request_id, now=here.now)
    code = here.staff["kishi"].code(here.later())
    await sign_in.sign_in(engine, PASSWORDS, "kishi", PASSWORD, code, now=here.now)


async def test_alerts_reach_whom_they_should(here: Office, engine: AsyncEngine) -> None:
    await users.register(
        engine, await here.signed_in("mori"), person("umino", alerts=True), now=here.now
    )
    async with engine.connect() as conn:
        assert [r.login for r in await staff.everyone(conn)] == ["umino"]
    await users.disable(engine, await here.proven("mori"), "umino", now=here.now)
    async with engine.connect() as conn:
        assert not await staff.everyone(conn)


async def test_a_key_with_rights_over_members_waits(here: Office, engine: AsyncEngine) -> None:
    by = await here.proven("mori")
    usual = await api_keys.create_key(engine, by, KeyWish(source="a.example.jp"), now=here.now)
    assert usual.request is None
    wish = KeyWish(source="a.example.jp", scopes=USUAL_SCOPES | {Scope.MEMBERS_WRITE})
    made = await api_keys.create_key(engine, await here.proven("mori"), wish, now=here.now)
    assert made.request is not None
    assert made.request.kind is RequestKind.KEY

    async def is_confirmed() -> bool:
        found = await api_keys.all_keys(engine, by)
        return next(k.is_confirmed for k in found if k.key_id == made.name)

    assert not await is_confirmed()
    with pytest.raises(NotAllowed, match="second person"):
        await users.confirm(
            engine, await here.proven("mori"), made.request.request_id, now=here.now
        )
    await users.confirm(engine, await here.proven("hara"), made.request.request_id, now=here.now)
    assert await is_confirmed()


async def test_a_service_account_acts_within_its_scopes(here: Office, engine: AsyncEngine) -> None:
    scopes = frozenset({Permission.BATCHES_DO})
    made = await api_keys.create_service(
        engine, await here.proven("mori"), "nightly", scopes, timedelta(days=90), now=here.now
    )
    found = await sign_in.service_of(engine, made.secret_text, now=here.now)
    assert str(found.actor) == "service:nightly"
    found.require(Permission.BATCHES_DO)
    with pytest.raises(NotAllowed):
        found.require(Permission.RECORD_READ)
    with pytest.raises(NotAllowed):  # it has no second factor, and never can have one
        await sign_in.prove(engine, found, "000000", now=here.now)
    late = here.now + timedelta(days=90)
    with pytest.raises(NotAllowed):
        await sign_in.service_of(engine, made.secret_text, now=late)
    await api_keys.revoke_service(engine, await here.proven("hara"), "nightly", now=here.now)
    with pytest.raises(NotAllowed):
        await sign_in.service_of(engine, made.secret_text, now=here.now)


def test_what_needs_a_second_factor_is_for_no_service() -> None:
    named = {p for p, rule in RULES.items() if rule.needs_second_factor}
    assert {"messages.release", "data.export", "wording.publish", "users.change"} <= named
    assert not [p for p in named if RULES[p].for_services]
    assert all(rule.roles for rule in RULES.values())


def test_a_full_width_code_counts() -> None:
    made = enrolment("umino")
    assert made.uri.startswith("otpauth://totp/notifier:umino?secret=")
    assert made.groups.replace(" ", "") == made.secret
