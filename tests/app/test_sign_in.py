"""Who tries to get in, and does not: codes, sessions, tokens, passwords."""

from datetime import timedelta

import pytest

from notifier.app import api_keys, new_credentials, sign_in, users
from notifier.app.credentials import NewCredentials, Passwords, enrolment
from notifier.model.errors import NotAllowed
from notifier.model.role import Permission, Role
from notifier.model.user import IDLE, SESSION
from notifier.store.db import scalar
from tests.app.office import (
    PASSWORD,
    PASSWORDS,
    Attempt,
    Office,
    Table,
    invited,
    person,
    refusal,
    try_sign_in,
)

_ADMIN = frozenset({Role.ADMINISTRATOR})
_OPERATOR = frozenset({Role.OPERATOR})
hostile = Table()


@hostile("sign_in_refused")
async def unknown_login(o: Office) -> None:
    await try_sign_in(o, "nobody", PASSWORD, "123456")


@hostile("sign_in_refused")
async def wrong_password(o: Office) -> None:
    await try_sign_in(o, "kishi", PASSWORD + "x", o.staff["kishi"].code(o.later()))


@hostile("sign_in_refused")
async def empty_password(o: Office) -> None:
    await try_sign_in(o, "kishi", "", o.staff["kishi"].code(o.later()))


@hostile("sign_in_refused")
async def wrong_code(o: Office) -> None:
    code = o.staff["kishi"].code(o.later())
    await try_sign_in(o, "kishi", PASSWORD, f"{(int(code) + 1) % 1_000_000:06d}")


@hostile("sign_in_refused")
async def code_of_somebody_else(o: Office) -> None:
    await try_sign_in(o, "kishi", PASSWORD, o.staff["hara"].code(o.later()))


@hostile("sign_in_refused")
async def code_of_five_minutes_ago(o: Office) -> None:
    code = o.staff["kishi"].code(o.now)
    o.later(timedelta(minutes=5))
    await try_sign_in(o, "kishi", PASSWORD, code)


@hostile("sign_in_refused")
async def replayed_code(o: Office) -> None:
    code = o.staff["kishi"].code(o.later())
    await try_sign_in(o, "kishi", PASSWORD, code)
    await try_sign_in(o, "kishi", PASSWORD, code)


@hostile("sign_in_refused")
async def earlier_code_after_a_later_one(o: Office) -> None:
    now = o.later()
    await try_sign_in(o, "kishi", PASSWORD, o.staff["kishi"].code(now + timedelta(seconds=30)))
    await try_sign_in(o, "kishi", PASSWORD, o.staff["kishi"].code(now))


@hostile("sign_in_refused")
async def recovery_code_twice(o: Office) -> None:
    code = o.staff["kishi"].recovery[0]
    await try_sign_in(o, "kishi", PASSWORD, code)
    await try_sign_in(o, "kishi", PASSWORD, code)


@hostile("sign_in_refused")
async def code_of_letters(o: Office) -> None:
    await try_sign_in(o, "kishi", PASSWORD, "' OR 1=1 --\ud800")


@hostile("sign_in_refused")
async def right_answer_after_too_many_wrong_ones(o: Office) -> None:
    for _ in range(6):
        with pytest.raises(NotAllowed):
            await try_sign_in(o, "kishi", "wrong", "000000")
    await try_sign_in(o, "kishi", PASSWORD, o.staff["kishi"].code(o.later(timedelta(seconds=30))))


@hostile("second_factor_refused")
async def guessed_codes_within_a_session(o: Office) -> None:
    by = await o.signed_in("mori")
    for guess in range(6):
        with pytest.raises(NotAllowed):
            await sign_in.prove(o.engine, by, f"{guess:06d}", now=o.now)
    code = o.staff["mori"].code(o.later(timedelta(seconds=30)))
    await sign_in.prove(o.engine, by, code, now=o.now)


@hostile("sign_in_refused")
async def disabled_user_signs_in(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "kishi", now=o.now)
    await try_sign_in(o, "kishi", PASSWORD, o.staff["kishi"].code(o.later()))


@hostile("sign_in_refused")
async def registered_user_without_credentials_signs_in(o: Office) -> None:
    await users.register(o.engine, await o.signed_in("mori"), person("umino"), now=o.now)
    await try_sign_in(o, "umino", PASSWORD, "000000")


@hostile("session_over")
async def session_after_a_working_day(o: Office) -> None:
    token = o.staff["kishi"].token
    for _ in range(20):
        o.later(SESSION / 20)
        await sign_in.principal_of(o.engine, token, now=o.now)
    await _session(o, token)


@hostile("session_over")
async def idle_session(o: Office) -> None:
    o.later(IDLE)
    await _session(o, o.staff["kishi"].token)


@hostile("session_over")
async def session_of_a_disabled_user(o: Office) -> None:
    await users.disable(o.engine, await o.proven("mori"), "kishi", now=o.now)
    await _session(o, o.staff["kishi"].token)


@hostile("session_over")
async def made_up_session(o: Office) -> None:
    await _session(o, "ns_" + "A" * 43)


@hostile("session_over")
async def hash_of_a_session_as_its_token(o: Office) -> None:
    async with o.engine.connect() as conn:
        kept = await scalar(conn, "SELECT encode(token_hash, 'hex') FROM user_sessions LIMIT 1")
    await _session(o, str(kept))


async def _session(o: Office, token: str) -> None:
    if await sign_in.principal_of(o.engine, token, now=o.now) is None:
        raise NotAllowed("over", code="session_over")


@hostile("token_refused")
async def made_up_service_token(o: Office) -> None:
    await sign_in.service_of(o.engine, "nt_nightly_x", now=o.now)


@hostile("token_refused")
async def session_as_service_token(o: Office) -> None:
    await sign_in.service_of(o.engine, o.staff["mori"].token, now=o.now)


@hostile("token_refused")
async def service_over_members_before_its_second_person(o: Office) -> None:
    scopes = frozenset({Permission.MEMBERS_CHANGE})
    made = await api_keys.create_service(
        o.engine, await o.proven("mori"), "import", scopes, timedelta(days=1), now=o.now
    )
    await sign_in.service_of(o.engine, made.secret_text, now=o.now)


@hostile("not_for_services")
async def service_that_exports(o: Office) -> None:
    scopes = frozenset({Permission.DATA_EXPORT})
    await api_keys.create_service(
        o.engine, await o.proven("mori"), "leak", scopes, timedelta(days=1), now=o.now
    )


@hostile("bad_days")
async def service_for_ever(o: Office) -> None:
    scopes = frozenset({Permission.FIGURES_READ})
    await api_keys.create_service(
        o.engine, await o.proven("mori"), "ever", scopes, timedelta(days=9999), now=o.now
    )


async def _with_password(o: Office, password: str) -> None:
    _, codes = await invited(o)
    new, _ = o.new("umino")
    weak = NewCredentials(password, new.secret, new.code)
    await new_credentials.accept(o.engine, PASSWORDS, "umino", codes, weak, now=o.now)


@hostile("password_short")
async def short_password(o: Office) -> None:
    await _with_password(o, "elevenchars")


@hostile("password_guessable")
async def password_of_one_letter(o: Office) -> None:
    await _with_password(o, "a" * 40)


@hostile("password_guessable")
async def password_with_the_login(o: Office) -> None:
    await _with_password(o, "Umino-2025-July")


@hostile("password_unusable")
async def endless_password(o: Office) -> None:
    await _with_password(o, "abcdefg" * 1000)


@hostile("bad_code")
async def authenticator_that_was_not_set_up(o: Office) -> None:
    _, codes = await invited(o)
    new, _ = o.new("umino")
    wrong = NewCredentials(PASSWORD, enrolment("umino").secret, new.code)
    await new_credentials.accept(o.engine, PASSWORDS, "umino", codes, wrong, now=o.now)


@hostile("sign_in_refused")
async def recovered_with_a_recovery_code_alone(o: Office) -> None:
    codes = o.staff["kishi"].recovery
    new, _ = o.new("kishi")
    await new_credentials.recover(o.engine, PASSWORDS, "kishi", codes[0], codes[1], new, now=o.now)


@hostile("sign_in_refused")
async def recovered_with_a_code_of_somebody_else(o: Office) -> None:
    new, _ = o.new("kishi")
    code = o.staff["hara"].recovery[0]
    await new_credentials.recover(o.engine, PASSWORDS, "kishi", code, PASSWORD, new, now=o.now)


@pytest.mark.parametrize(("code", "attempt"), hostile.rows)
async def test_hostile(here: Office, code: str, attempt: Attempt) -> None:
    assert await refusal(attempt(here)) == code


async def test_the_wait_ends_and_a_right_answer_counts_again(here: Office) -> None:
    for _ in range(5):
        with pytest.raises(NotAllowed):
            await try_sign_in(here, "kishi", "wrong", "000000")
    here.later(timedelta(minutes=2))
    await try_sign_in(here, "kishi", PASSWORD, here.staff["kishi"].code(here.now))


async def test_a_hash_of_other_settings_still_counts() -> None:
    kept = await PASSWORDS.hashed(PASSWORD)
    dearer = Passwords(memory=9216, passes=2)
    assert await dearer.matches(kept, PASSWORD)
    assert not await dearer.matches(kept, PASSWORD + "x")
    assert not await dearer.matches("no hash", PASSWORD)
    assert not await dearer.matches(None, PASSWORD)
