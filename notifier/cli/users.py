"""``notifier users``: who is let in, and what they may do."""

from typing import Annotated

import typer

from notifier.app import new_credentials, users
from notifier.app.credentials import NewCredentials, enrolment
from notifier.app.new_credentials import Welcome
from notifier.app.users import Asked, Person
from notifier.model.errors import NotFound
from notifier.model.role import RULES, Role
from notifier.model.user import User
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

from . import identity
from .login import FromStdin
from .session import Id, out, run, say
from .tables import cell, facts, show

app = typer.Typer(help="Users: who is let in, and what they may do.", no_args_is_help=True)
Login = Annotated[str, typer.Argument(metavar="LOGIN", help="Small letters and digits.")]
Roles = Annotated[list[Role], typer.Option("--role", help="What they are here for; repeatable.")]
NoAlerts = Annotated[
    bool, typer.Option("--no-alerts", help="Alerts about tasks do not reach them.")
]


@app.command("first")
def first(
    login: Login, name: str, email: str, no_alerts: NoAlerts = False, stdin: FromStdin = False
) -> None:
    """Make the first administrator of a record that has no users: once, and for good."""

    async def work(parts: Parts) -> None:
        person = Person(login=login, name=name, email=email, alerts=not no_alerts).checked()
        await new_credentials.check_first(parts.engine)
        new = _chosen(parts, login, piped=stdin)
        made = await new_credentials.first(
            parts.engine,
            identity.passwords(parts.settings),
            person,
            new,
            now=identity.moment(),
        )
        _welcome(parts, made)

    run(work, creates=True)


@app.command("add")
def add(login: Login, name: str, email: str, no_alerts: NoAlerts = False) -> None:
    """Register somebody whom alerts reach, or change name and address; it lets nobody in."""
    register(Person(login=login, name=name, email=email, alerts=not no_alerts))


def register(person: Person) -> None:
    """Register somebody whom alerts reach."""

    async def work(parts: Parts) -> None:
        by = identity.principal()
        await users.register(parts.engine, by, person, now=identity.moment())

    run(work)


@app.command("invite")
def invite(login: Login, name: str, email: str, role: Roles, no_alerts: NoAlerts = False) -> None:
    """Ask that somebody be let in; another administrator confirms it."""

    async def work(parts: Parts) -> None:
        person = Person(login=login, name=name, email=email, alerts=not no_alerts)
        by, now = identity.principal(), identity.moment()
        _asked(await users.invite(parts.engine, by, person, frozenset(role), now=now))

    run(work)


@app.command("confirm")
def confirm(request: Id) -> None:
    """Agree to what another administrator has asked for (users requests)."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        done = await users.confirm(parts.engine, by, request, now=now)
        kind = label(f"request.{done.request.kind}", parts.settings.locale)
        say("confirmed", number=request, kind=kind, subject=done.request.subject)
        if done.code:
            say("second_code", half=done.code, login=done.request.subject)

    run(work)


@app.command("withdraw")
def withdraw(request: Id) -> None:
    """Take a request or an invitation back."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        await users.withdraw(parts.engine, by, request, now=now)

    run(work)


@app.command("accept")
def accept(login: Login, stdin: FromStdin = False) -> None:
    """Accept an invitation with both of its codes, and choose a password."""

    async def work(parts: Parts) -> None:
        codes = [identity.ask(parts, "cli.ask_first_code", piped=stdin)]
        codes.append(identity.ask(parts, "cli.ask_second_code", piped=stdin))
        new = _chosen(parts, login, piped=stdin)
        made = await new_credentials.accept(
            parts.engine,
            identity.passwords(parts.settings),
            login,
            [code for code in codes if code != "-"],
            new,
            now=identity.moment(),
        )
        _welcome(parts, made)

    run(work)


@app.command("recover")
def recover(login: Login, stdin: FromStdin = False) -> None:
    """Choose new credentials with a recovery code and one of password and authenticator."""

    async def work(parts: Parts) -> None:
        code = identity.ask(parts, "cli.ask_recovery_code", piped=stdin)
        other = identity.ask(parts, "cli.ask_other", hidden=True, piped=stdin)
        new = _chosen(parts, login, piped=stdin)
        made = await new_credentials.recover(
            parts.engine,
            identity.passwords(parts.settings),
            login,
            code,
            other,
            new,
            now=identity.moment(),
        )
        _welcome(parts, made)

    run(work)


@app.command("grant")
def grant(login: Login, role: Role) -> None:
    """Give a role; approver and administrator need a second administrator."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        asked = await users.grant(parts.engine, by, login, role, now=now)
        if asked:
            _asked(asked)

    run(work)


@app.command("revoke")
def revoke(login: Login, role: Role) -> None:
    """Take a role away at once."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        await users.revoke(parts.engine, by, login, role, now=now)

    run(work)


@app.command("disable")
def disable(login: Login) -> None:
    """Let somebody in no more: their sessions end at once."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        await users.disable(parts.engine, by, login, now=now)

    run(work)


@app.command("enable")
def enable(login: Login) -> None:
    """Ask that somebody be let in again; another administrator confirms it."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        _asked(await users.enable(parts.engine, by, login, now=now))

    run(work)


@app.command("reset")
def reset(login: Login) -> None:
    """Ask for new credentials for somebody who has lost all; another administrator confirms it."""

    async def work(parts: Parts) -> None:
        by, now = identity.principal(), identity.moment()
        _asked(await users.reset(parts.engine, by, login, now=now))

    run(work)


@app.command("list")
def list_() -> None:
    """All users."""

    async def work(parts: Parts) -> None:
        found = await users.everyone(parts.engine, identity.principal())
        columns = ("login", "name", "email", "state", "roles")
        show(columns, [_line(u, parts.settings.locale) for u in found])

    run(work)


@app.command("show")
def show_(login: Login) -> None:
    """One user."""

    async def work(parts: Parts) -> None:
        found = await users.everyone(parts.engine, identity.principal())
        one = next((u for u in found if u.login == login), None)
        if one is None:
            raise NotFound("user", login)
        names = ("login", "name", "email", "state", "roles")
        facts(zip(names, _line(one, parts.settings.locale), strict=True))

    run(work)


@app.command("requests")
def requests() -> None:
    """What waits for a second administrator, or for whoever is invited."""

    async def work(parts: Parts) -> None:
        by, language = identity.principal(), parts.settings.locale
        lines = [
            (
                r.request_id,
                label(f"request.{r.kind}", language),
                r.subject,
                _roles(r.roles, language),
                r.requested_by,
                r.confirmed_by,
                r.expires_at,
            )
            for r in await users.requests(parts.engine, by, now=identity.moment())
        ]
        columns = ("number", "kind", "subject", "roles", "by", "confirmed by", "until")
        show(columns, lines)

    run(work)


@app.command("roles")
def roles() -> None:
    """What each role may do, and what asks for a code at that moment."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        lines = [
            (
                right,
                label(f"permission.{right}", language),
                _roles(rule.roles, language),
                label("cli.yes", language) if rule.needs_second_factor else "",
            )
            for right, rule in RULES.items()
        ]
        show(("right", "what", "roles", "code each time"), lines)

    run(work, creates=True)


def _chosen(parts: Parts, login: str, *, piped: bool) -> NewCredentials:
    """Show the seed of a new authenticator, and ask for a password and the first code."""
    made = enrolment(login)
    say("authenticator", uri=made.uri, secret=made.groups)
    password = identity.ask(
        parts, "cli.ask_new_password", hidden=True, twice=not piped, piped=piped
    )
    return NewCredentials(password, made.secret, identity.ask(parts, "cli.ask_code", piped=piped))


def _welcome(parts: Parts, made: Welcome) -> None:
    identity.write_session(parts.settings, made.session.token)
    say("recovery_codes")
    for code in made.recovery_codes:
        out.print(f"  {code}", highlight=False)
    say("signed_in", login=made.session.user.login, until=cell(made.session.expires_at))


def _asked(asked: Asked) -> None:
    request = asked.request
    if asked.code:
        say("first_code", half=asked.code, login=request.subject)
    if request.kind != "founding":
        say("second_person", number=request.request_id)


def _line(user: User, language: str) -> tuple[str, ...]:
    state = label(f"user_state.{user.state}", language)
    return user.login, user.name, user.email, state, _roles(user.roles, language)


def _roles(found: frozenset[Role], language: str) -> str:
    return ", ".join(label(f"role.{role}", language) for role in sorted(found))
