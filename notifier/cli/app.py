"""The verbs of ``notifier``, as a table: a verb's module is loaded when it is called."""

import gc
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.main import get_command, get_group

from .verbs import CODE, Group, Verbs

#: Verbs by themselves, each with its module and function; their help is in the catalogues.
_VERBS: Final[Mapping[str, tuple[str, str]]] = {
    "simulate": ("simulate", "simulate"),
    "preview": ("preview", "preview"),
    "lint": ("lint", "lint"),
    "report": ("report", "report"),
    "login": ("login", "login"),
    "logout": ("login", "logout"),
    "whoami": ("login", "whoami"),
    "track": ("track", "track"),
    "relay-log": ("track", "relay_log"),
    "up": ("run", "up"),
    "serve": ("run", "serve"),
    "work": ("run", "work"),
    "receive": ("run", "receive"),
    "demo": ("run", "demo"),
}
#: Nouns, each with the module whose ``app`` holds all its verbs.
_NOUNS: Final[Mapping[str, str]] = {
    "schemes": "schemes",
    "closures": "closures",
    "members": "members",
    "events": "events",
    "messages": "message_moves",
    "cases": "cases",
    "tasks": "tasks",
    "letters": "letters",
    "batches": "batches",
    "jobs": "jobs",
    "rejected": "rejected",
    "keys": "keys",
    "users": "users",
    "services": "services",
    "staff": "staff",
    "dkim": "dkim",
    "templates": "templates",
    "webhooks": "webhooks",
    "inquiries": "inquiries",
    "returns": "returns",
    "suppressions": "suppressions",
}


def _loaded(name: str) -> Any:
    """Return the command of a verb or a noun, its modules loaded; None where there is none."""
    if name in _NOUNS:
        return get_group(_attribute(_NOUNS[name], "app"))
    if name in _VERBS:
        app = Verbs()
        app.command(name)(_attribute(*_VERBS[name]))
        return get_command(app)
    return None


def _attribute(module: str, name: str) -> Any:
    return getattr(import_module(f"{__package__}.{module}"), name)


class _Table(Group):
    """Verbs by their table: to list them loads none, to call one loads its own."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return [*_VERBS, *_NOUNS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return the command of a verb; None where there is none."""
        command = _loaded(cmd_name)
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return command


app = Verbs(cls=_Table)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"notifier {version('notifier')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    code: Annotated[str, typer.Option("--code")] = "",
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Notices to members: from billing events to mails and letters, and the record of them."""
    context.meta[CODE] = code


def run_verb() -> None:
    """Run the verb that the command line names; end the process."""
    app()
