"""``notifier users``: who is let in, and what they may do."""

from typing import Annotated, NamedTuple

import typer

from notifier.app import new_credentials, users
from notifier.app.credentials import NewCredentials, enrolment
from notifier.app.new_credentials import Welcome
from notifier.app.users import Asked, Person
from notifier.model.role import RULES, Permission, Role
from notifier.model.user import RequestKind, User, UserRequest
from notifier.runtime.parts import Parts

from . import identity
from .language import word
from .login import FromStdin, Login, signed_in
from .output import emitted, out, say
from .session import Id, run, signed
from .tables import facts, show
from .verbs import Verbs

app = Verbs()
Roles = Annotated[list[Role], typer.Option("--role")]
NoAlerts = Annotated[bool, typer.Option("--no-alerts")]
_COLUMNS = ("login", "name", "email", "state", "roles")
_REQUESTS = ("number", "kind", "subject", "roles", "by", "confirmed by", "until")
_ROLES = ("right", "what", "roles", "code each time")


def _person(login: str, name: str, email: str, no_alerts: bool) -> Person:
    return Person(login=login, name=name, email=email, alerts=not no_alerts)


@app.command("first")
def first(
    login: Login, name: str, email: str, no_alerts: NoAlerts = False, stdin: FromStdin = False
) -> None:
    """Make the first administrator of a record that has no users: once, and for good."""
    person = _person(login, name, email, no_alerts)

    async def work(parts: Parts) -> Welcome:
        checked = person.checked()
        await new_credentials.check_first(parts.engine)
        new = _chosen(login, piped=stdin)
        hasher = identity.passwords(parts.settings)
        return _kept(
            parts,
            await new_credentials.first(parts.engine, hasher, checked, new, now=identity.moment()),
        )

    _welcome(run(work, creates=True))


@app.command("accept")
def accept(login: Login, stdin: FromStdin = False) -> None:
    """Accept an invitation with both of its codes, and choose a password."""

    async def work(parts: Parts) -> Welcome:
        asked = ("cli.ask_first_code", "cli.ask_second_code")
        codes = [code for one in asked if (code := identity.ask(one, piped=stdin)) != "-"]
        new = _chosen(login, piped=stdin)
        hasher = identity.passwords(parts.settings)
        return _kept(
            parts,
            await new_credentials.accept(
                parts.engine, hasher, login, codes, new, now=identity.moment()
            ),
        )

    _welcome(run(work))


@app.command("recover")
def recover(login: Login, stdin: FromStdin = False) -> None:
    """Choose new credentials with a recovery code and one of password and authenticator."""

    async def work(parts: Parts) -> Welcome:
        code = identity.ask("cli.ask_recovery_code", piped=stdin)
        other = identity.ask("cli.ask_other", hidden=True, piped=stdin)
        new = _chosen(login, piped=stdin)
        hasher = identity.passwords(parts.settings)
        return _kept(
            parts,
            await new_credentials.recover(
                parts.engine, hasher, login, code, other, new, now=identity.moment()
            ),
        )

    _welcome(run(work))


def _chosen(login: str, *, piped: bool) -> NewCredentials:
    """Show the seed of a new authenticator, and ask for a password and the first code."""
    made = enrolment(login)
    say("authenticator", uri=made.uri, secret=made.groups)
    password = identity.ask("cli.ask_new_password", hidden=True, twice=not piped, piped=piped)
    return NewCredentials(password, made.secret, identity.ask("cli.ask_code", piped=piped))


def _kept(parts: Parts, made: Welcome) -> Welcome:
    identity.write_session(parts.settings, made.session.token)
    return made


def _welcome(made: Welcome) -> None:
    if not emitted({"recovery_codes": made.recovery_codes}):
        say("recovery_codes")
        for code in made.recovery_codes:
            out.print(f"  {code}", highlight=False)
    signed_in(made.session)


@app.command("add")
def add(login: Login, name: str, email: str, no_alerts: NoAlerts = False) -> None:
    """Register somebody whom alerts reach, or change name and address; it lets nobody in."""
    person = _person(login, name, email, no_alerts)
    run(lambda parts: users.register(parts.engine, person=person, **signed()))


@app.command("invite")
def invite(login: Login, name: str, email: str, role: Roles, no_alerts: NoAlerts = False) -> None:
    """Ask that somebody be let in; another administrator confirms it."""
    person, roles = _person(login, name, email, no_alerts), frozenset(role)
    _show_asked(
        run(lambda parts: users.invite(parts.engine, person=person, roles=roles, **signed()))
    )


@app.command("grant")
def grant(login: Login, role: Role) -> None:
    """Give a role; approver and administrator need a second administrator."""
    asked = run(lambda parts: users.grant(parts.engine, login=login, role=role, **signed()))
    if asked:
        _show_asked(asked)


@app.command("enable")
def enable(login: Login) -> None:
    """Ask that somebody be let in again; another administrator confirms it."""
    _show_asked(run(lambda parts: users.enable(parts.engine, login=login, **signed())))


@app.command("reset")
def reset(login: Login) -> None:
    """Ask for new credentials for somebody who has lost all; another administrator confirms it."""
    _show_asked(run(lambda parts: users.reset(parts.engine, login=login, **signed())))


def _show_asked(asked: Asked) -> None:
    request = asked.request
    if emitted({"request": request.request_id, "code": asked.code}):
        return
    if asked.code:
        say("first_code", half=asked.code, login=request.subject)
    if request.kind is not RequestKind.FOUNDING:
        say("second_person", number=str(request.request_id))


@app.command("requests")
def requests() -> None:
    """Print what waits for a second administrator, or for whoever is invited."""
    show(_REQUESTS, run(lambda parts: users.requests(parts.engine, **signed())), _request)


def _request(r: UserRequest) -> tuple[object, ...]:
    return (
        str(r.request_id),
        word("request", r.kind),
        r.subject,
        _roles(r.roles),
        r.requested_by,
        r.confirmed_by,
        r.expires_at,
    )


@app.command("confirm")
def confirm(request: Id) -> None:
    """Agree to what another administrator has asked for (users requests)."""
    done = run(lambda parts: users.confirm(parts.engine, request_id=request, **signed()))
    subject = done.request.subject
    if emitted({"request": request, "code": done.code}):
        return
    kind = word("request", done.request.kind)
    say("confirmed", number=str(request), kind=kind, subject=subject)
    if done.code:
        say("second_code", half=done.code, login=subject)


@app.command("withdraw")
def withdraw(request: Id) -> None:
    """Take a request or an invitation back."""
    run(lambda parts: users.withdraw(parts.engine, request_id=request, **signed()))


@app.command("revoke")
def revoke(login: Login, role: Role) -> None:
    """Take a role away at once."""
    run(lambda parts: users.revoke(parts.engine, login=login, role=role, **signed()))


@app.command("disable")
def disable(login: Login) -> None:
    """Let somebody in no more: their sessions end at once."""
    run(lambda parts: users.disable(parts.engine, login=login, **signed()))


@app.command("list")
def list_() -> None:
    """Print all users."""
    found = run(lambda parts: users.everyone(parts.engine, identity.principal()))
    show(_COLUMNS, found, _user)


@app.command("show")
def show_(login: Login) -> None:
    """Print one user."""
    found = run(lambda parts: users.find(parts.engine, identity.principal(), login))
    facts(_COLUMNS, found, _user)


def _user(user: User) -> tuple[object, ...]:
    state = word("user_state", user.state)
    return user.login, user.name, user.email, state, _roles(user.roles)


class Right(NamedTuple):
    """A right, who has it, and whether it asks for a code each time."""

    permission: Permission
    roles: frozenset[Role]
    asks_for_code: bool


@app.command("roles")
def roles() -> None:
    """Print what each role may do, and what asks for a code at that moment."""
    rights = [Right(right, rule.roles, rule.needs_second_factor) for right, rule in RULES.items()]
    show(_ROLES, rights, _right)


def _right(r: Right) -> tuple[object, ...]:
    code = word("cli", "yes") if r.asks_for_code else ""
    return r.permission, word("permission", r.permission), _roles(r.roles), code


def _roles(found: frozenset[Role]) -> str:
    return ", ".join(word("role", role) for role in sorted(found))
