"""``notifier login``, ``logout`` and ``whoami``."""

from typing import Annotated

import typer

from notifier.app import sign_in
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

from . import identity
from .session import out, run, say
from .tables import cell, facts

FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read password, then code, from stdin.")
]


def login(user: Annotated[str, typer.Argument(metavar="LOGIN")], stdin: FromStdin = False) -> None:
    """Sign in: password, then a code of the authenticator or a recovery code."""

    async def work(parts: Parts) -> None:
        await identity.refuse_empty(parts)
        password = identity.ask(parts, "cli.ask_password", hidden=True, piped=stdin)
        code = identity.code_given() or identity.ask(parts, "cli.ask_code", piped=stdin)
        session = await sign_in.sign_in(
            parts.engine,
            identity.passwords(parts.settings),
            user,
            password,
            code,
            now=identity.moment(),
        )
        identity.write_session(parts.settings, session.token)
        say("signed_in", login=session.user.login, until=cell(session.expires_at))

    run(work)


def logout() -> None:
    """Sign out; the session is over for whoever may have its file."""

    async def work(parts: Parts) -> None:
        if token := identity.read_session(parts.settings):
            await sign_in.sign_out(parts.engine, token)
        identity.forget_session(parts.settings)
        say("signed_out")

    run(work)


def whoami() -> None:
    """Show who is signed in, and what they may do."""

    async def work(parts: Parts) -> None:
        language, found = parts.settings.locale, identity.principal()
        facts((("login", str(found.actor)),))
        for role in sorted(found.roles):
            out.print(label(f"role.{role}", language), highlight=False)
        for right in sorted(found.permissions):
            out.print(f"  {right}: {label(f'permission.{right}', language)}", highlight=False)

    run(work)
