"""What nobody can do alone, too late, or without the right to it."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import api_keys, users
from notifier.app.api_keys import KeyWish
from notifier.model.errors import NotAllowed
from notifier.model.role import Role
from notifier.model.user import OPEN, RequestKind
from notifier.store.db import run
from tests.app.office import (
    Attempt,
    Office,
    Table,
    invited,
    person,
    refusal,
    sign_in_again,
)

_ADMIN = frozenset({Role.ADMINISTRATOR})
_OPERATOR = frozenset({Role.OPERATOR})
hostile = Table()


@hostile("not_the_first")
async def first_administrator_again(o: Office) -> None:
    await o.first("umino")


@hostile("not_the_first")
async def first_administrator_once_all_are_disabled_but_one(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "hara", now=o.now)
    await o.first("umino")


@hostile("second_factor_needed")
async def grant_without_a_second_factor(o: Office) -> None:
    by = await o.signed_in("mori")
    await users.grant(o.engine, by, "hara", Role.OPERATOR, now=o.now)


@hostile("no_right")
async def grant_by_an_operator(o: Office) -> None:
    by = await o.proven("kishi")
    await users.grant(o.engine, by, "hara", Role.OPERATOR, now=o.now)


@hostile("no_right")
async def list_of_users_for_an_author(o: Office) -> None:
    await o.joins("sono", {Role.AUTHOR}, asks="mori", confirms="hara")
    await users.everyone(o.engine, await o.signed_in("sono"))


@hostile("no_right")
async def disabled_in_the_middle(o: Office) -> None:
    by = await o.proven("hara")
    await users.disable(o.engine, await o.proven("mori"), "hara", now=o.now)
    await users.grant(o.engine, by, "kishi", Role.ADMINISTRATOR, now=o.now)


@hostile("no_right")
async def role_lost_in_the_middle(o: Office) -> None:
    by = await o.proven("hara")
    await users.revoke(o.engine, await o.proven("mori"), "hara", Role.ADMINISTRATOR, now=o.now)
    await users.invite(o.engine, by, person("umino"), _OPERATOR, now=o.now)


@hostile("not_oneself")
async def grant_to_oneself(o: Office) -> None:
    await users.grant(o.engine, await o.proven("mori"), "mori", Role.APPROVER, now=o.now)


@hostile("second_person")
async def own_invitation_confirmed(o: Office) -> None:
    by = await o.proven("mori")
    asked = await users.invite(o.engine, by, person("umino"), _OPERATOR, now=o.now)
    await users.confirm(o.engine, await o.proven("mori"), asked.request.request_id, now=o.now)


@hostile("second_person")
async def two_administrators_grant_each_other(o: Office) -> None:
    asked = await users.grant(o.engine, await o.proven("mori"), "hara", Role.APPROVER, now=o.now)
    assert asked is not None
    await users.confirm(o.engine, await o.proven("hara"), asked.request.request_id, now=o.now)


@hostile("no_right")
async def confirmed_by_no_administrator(o: Office) -> None:
    by = await o.proven("mori")
    asked = await users.invite(o.engine, by, person("umino"), _OPERATOR, now=o.now)
    await users.confirm(o.engine, await o.proven("kishi"), asked.request.request_id, now=o.now)


@hostile("waits_no_more")
async def confirmed_twice(o: Office) -> None:
    await o.joins("sono", {Role.ADMINISTRATOR}, asks="mori", confirms="hara")
    asked = await users.grant(
        o.engine, await o.proven("mori"), "kishi", Role.ADMINISTRATOR, now=o.now
    )
    assert asked is not None
    number = asked.request.request_id
    await users.confirm(o.engine, await o.proven("hara"), number, now=o.now)
    await users.confirm(o.engine, await o.proven("sono"), number, now=o.now)


@hostile("waits_no_more")
async def confirmed_after_a_week(o: Office) -> None:
    by = await o.proven("mori")
    asked = await users.invite(o.engine, by, person("umino"), _OPERATOR, now=o.now)
    now = o.later(OPEN)
    await sign_in_again(o, "hara")
    await users.confirm(
        o.engine, await o.proven("hara"), asked.request.request_id, now=max(now, o.now)
    )


@hostile("waits_no_more")
async def confirmed_after_whoever_asked_lost_the_right(o: Office) -> None:
    await o.joins("sono", {Role.ADMINISTRATOR}, asks="mori", confirms="hara")
    asked = await users.invite(o.engine, await o.proven("sono"), person("umino"), _ADMIN, now=o.now)
    await users.disable(o.engine, await o.proven("mori"), "sono", now=o.now)
    await users.confirm(o.engine, await o.proven("hara"), asked.request.request_id, now=o.now)


@hostile("waits_no_more")
async def confirmed_after_it_was_withdrawn(o: Office) -> None:
    by = await o.proven("mori")
    asked = await users.invite(o.engine, by, person("umino"), _OPERATOR, now=o.now)
    number = asked.request.request_id
    await users.withdraw(o.engine, await o.proven("mori"), number, now=o.now)
    await users.confirm(o.engine, await o.proven("hara"), number, now=o.now)


@hostile("invitation_refused")
async def accepted_before_it_was_confirmed(o: Office) -> None:
    asked = await users.invite(
        o.engine, await o.proven("mori"), person("umino"), _OPERATOR, now=o.now
    )
    await o.accepts("umino", [asked.code or ""])


@hostile("invitation_refused")
async def accepted_with_one_of_two_codes(o: Office) -> None:
    _, codes = await invited(o)
    await o.accepts("umino", codes[:1])


@hostile("invitation_refused")
async def accepted_with_one_code_twice(o: Office) -> None:
    _, codes = await invited(o)
    await o.accepts("umino", [codes[1], codes[1]])


@hostile("invitation_refused")
async def accepted_twice(o: Office) -> None:
    _, codes = await invited(o)
    await o.accepts("umino", codes)
    await o.accepts("umino", codes)


@hostile("invitation_refused")
async def accepted_by_somebody_else(o: Office) -> None:
    _, codes = await invited(o)
    await o.accepts("kishi", codes)


@hostile("invitation_refused")
async def accepted_after_it_was_withdrawn(o: Office) -> None:
    number, codes = await invited(o)
    await users.withdraw(o.engine, await o.proven("hara"), number, now=o.now)
    await o.accepts("umino", codes)


@hostile("invitation_refused")
async def accepted_after_a_week(o: Office) -> None:
    _, codes = await invited(o)
    o.later(OPEN)
    await o.accepts("umino", codes)


@hostile("invitation_refused")
async def accepted_after_whoever_confirmed_was_disabled(o: Office) -> None:
    _, codes = await invited(o)
    await users.disable(o.engine, await o.proven("mori"), "hara", now=o.now)
    await o.accepts("umino", codes)


@hostile("request_open")
async def invited_twice(o: Office) -> None:
    await invited(o)
    by = await o.proven("mori")
    await users.invite(o.engine, by, person("umino"), _ADMIN, now=o.now)


@hostile("is_user")
async def invitation_of_a_user_in_place_of_a_reset(o: Office) -> None:
    by = await o.proven("mori")
    await users.invite(o.engine, by, person("kishi"), _ADMIN, now=o.now)


@hostile("missing")
async def invited_to_nothing(o: Office) -> None:
    by = await o.proven("mori")
    await users.invite(o.engine, by, person("umino"), frozenset(), now=o.now)


@hostile("last_administrator")
async def last_administrator_disabled(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "hara", now=o.now)
    await users.disable(o.engine, await o.proven("mori"), "mori", now=o.now)


@hostile("last_administrator")
async def last_administrator_revoked(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "hara", now=o.now)
    await users.revoke(o.engine, await o.proven("mori"), "mori", Role.ADMINISTRATOR, now=o.now)


@hostile("second_person")
async def founding_once_more_with_the_other_disabled(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "hara", now=o.now)
    by = await o.proven("mori")
    asked = await users.invite(o.engine, by, person("puppet"), _ADMIN, now=o.now)
    assert asked.request.kind is RequestKind.INVITATION
    number = asked.request.request_id
    await users.confirm(o.engine, await o.proven("mori"), number, now=o.now)


@hostile("not_oneself")
async def own_reset(o: Office) -> None:
    await users.reset(o.engine, await o.proven("mori"), "mori", now=o.now)


@hostile("not_active")
async def grant_to_somebody_disabled(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "kishi", now=o.now)
    await users.grant(o.engine, await o.proven("mori"), "kishi", Role.ADMINISTRATOR, now=o.now)


@hostile("NotFound")
async def grant_to_nobody(o: Office) -> None:
    await users.grant(o.engine, await o.proven("mori"), "nobody", Role.AUTHOR, now=o.now)


@hostile("control_character")
async def name_with_control_characters(o: Office) -> None:
    bad = users.Person(login="umino", name="海野\x1b[31m\n渚", email="u@example.jp")
    await users.register(o.engine, await o.signed_in("mori"), bad, now=o.now)


@hostile("bad_login")
async def login_that_looks_like_another(o: Office) -> None:
    bad = users.Person(login="mоri", name="x", email="u@example.jp")  # a Cyrillic letter
    await users.invite(o.engine, await o.proven("mori"), bad, _OPERATOR, now=o.now)


@hostile("bad_login")
async def login_with_a_path(o: Office) -> None:
    bad = users.Person(login="../mori", name="x", email="u@example.jp")
    await users.register(o.engine, await o.signed_in("mori"), bad, now=o.now)


@hostile("missing")
async def key_for_nothing(o: Office) -> None:
    wish = KeyWish(source="a.example.jp", scopes=frozenset())
    await api_keys.create_key(o.engine, await o.proven("mori"), wish, now=o.now)


@hostile("second_factor_needed")
async def key_without_a_second_factor(o: Office) -> None:
    wish = KeyWish(source="a.example.jp")
    await api_keys.create_key(o.engine, await o.signed_in("mori"), wish, now=o.now)


@hostile("IntegrityError")
async def request_confirmed_by_whoever_asked_in_sql(o: Office) -> None:
    number, _ = await invited(o)
    async with o.engine.begin() as conn:
        sql = "UPDATE user_requests SET confirmed_by = requested_by WHERE request_id = :id"
        await run(conn, sql, {"id": number})


@hostile("IntegrityError")
async def approver_without_a_request_in_sql(o: Office) -> None:
    async with o.engine.begin() as conn:
        await run(
            conn,
            """INSERT INTO user_roles (user_id, role, granted_by, granted_at)
               SELECT staff_id, 'approver', 'mori', now() FROM staff WHERE login = 'mori'""",
        )


@pytest.mark.parametrize(("code", "attempt"), hostile.rows)
async def test_hostile(here: Office, code: str, attempt: Attempt) -> None:
    assert await refusal(attempt(here)) == code


async def test_the_founding_invitation_is_good_for_one(engine: AsyncEngine) -> None:
    """Two invitations of the first administrator, both open: the second lets nobody in."""
    alone = Office(engine)
    await alone.first("mori")
    with pytest.raises(NotAllowed) as caught:
        await users.invite(
            engine, await alone.proven("mori"), person("a"), _OPERATOR, now=alone.now
        )
    assert caught.value.code == "second_first"
    codes = {}
    for login in ("hara", "puppet"):
        asked = await users.invite(
            engine, await alone.proven("mori"), person(login), _ADMIN, now=alone.now
        )
        codes[login] = [asked.code or ""]
    await alone.accepts("hara", codes["hara"])
    with pytest.raises(NotAllowed) as caught:
        await alone.accepts("puppet", codes["puppet"])
    assert caught.value.code == "invitation_refused"
