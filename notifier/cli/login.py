"""``notifier login``, ``logout`` and ``whoami``."""

from typing import Annotated

import typer

from notifier.app import sign_in
from notifier.app.sign_in import Session
from notifier.model.user import Principal
from notifier.runtime.parts import Parts

from . import identity
from .language import word
from .output import emitted, out, say
from .session import run
from .tables import cell

Login = Annotated[str, typer.Argument(metavar="LOGIN")]
FromStdin = Annotated[bool, typer.Option("--password-stdin")]


def login(login: Login, stdin: FromStdin = False) -> None:
    """Sign in: password, then a code of the authenticator or a recovery code."""

    async def work(parts: Parts) -> Session:
        await identity.refuse_empty(parts)
        hasher = identity.passwords(parts.settings)
        password = identity.ask("cli.ask_password", hidden=True, piped=stdin)
        code = identity.code_given() or identity.ask("cli.ask_code", piped=stdin)
        session = await sign_in.sign_in(
            parts.engine, hasher, login, password, code, now=identity.moment()
        )
        identity.write_session(parts.settings, session.token)
        return session

    signed_in(run(work))


def signed_in(session: Session) -> None:
    """Print who has signed in, and until when."""
    who = session.user.login
    if not emitted({"login": who, "until": session.expires_at}):
        say("signed_in", login=who, until=cell(session.expires_at))


def logout() -> None:
    """Sign out; the session is over for whoever may have its file."""

    async def work(parts: Parts) -> None:
        if token := identity.read_session(parts.settings):
            await sign_in.sign_out(parts.engine, token)
        identity.forget_session(parts.settings)

    run(work)
    say("signed_out")


def whoami() -> None:
    """Print who has signed in, and what they may do."""

    async def work(_: Parts) -> Principal:
        return identity.principal()

    found = run(work)
    who = str(found.actor)
    if emitted({"actor": who, "roles": found.roles, "permissions": found.permissions}):
        return
    out.print(who, highlight=False)
    for role in sorted(found.roles):
        out.print(word("role", role), highlight=False)
    for right in sorted(found.permissions):
        out.print(f"  {right}: {word('permission', right)}", highlight=False)
