"""The verbs of ``notifier``, as a table: a verb's module is loaded when it is called."""

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command, get_group


@dataclass(frozen=True, slots=True)
class _Verb:
    """Where a verb or a group of verbs stands, and what ``--help`` says of it."""

    module: str  # of this package; a group is its ``app``
    help: str
    function: str = ""  # a verb by itself
    further: tuple[tuple[str, str], ...] = ()  # verbs of the group that stand in other modules


_VERBS: Final[Mapping[str, _Verb]] = {
    "simulate": _Verb(
        "simulate",
        "Show what would be sent on which day, and what would not, with the reasons.",
        "simulate",
    ),
    "preview": _Verb(
        "preview",
        "Write a notice as .eml, .html, .txt, .pdf and .png, made by the writer that sends.",
        "preview",
    ),
    "lint": _Verb("lint", "Look notices through; ends with 1 if there is any error.", "lint"),
    "report": _Verb(
        "report",
        "Sent, delivered, undelivered, and inquiries, of one mailing, campaign, batch or notice.",
        "report",
    ),
    "track": _Verb(
        "track",
        "Put bounces, complaints and answers on record, and let them take effect.",
        "track",
    ),
    "relay-log": _Verb(
        "receiving",
        "Take what relays logged to its messages: taken by the next server, put off, bounced.",
        "relay_log",
    ),
    "up": _Verb(
        "run",
        "Run all in one process: HTTP, the stream, lanes, returns. For a small association.",
        "up",
    ),
    "serve": _Verb(
        "run",
        "Serve HTTP for billing, and read the intake stream where the settings name one.",
        "serve",
    ),
    "work": _Verb(
        "run", "Deliver lanes; several processes, on several machines, share the work.", "work"
    ),
    "receive": _Verb(
        "receiving",
        "Listen for what comes back, read mailboxes, follow relays' logs, as the settings say.",
        "receive",
    ),
    "demo": _Verb(
        "run", "Replay the incident on engines of its own, through real SMTP on loopback.", "demo"
    ),
    "schemes": _Verb("schemes", "制度: registered fees and what members see of a scheme."),
    "closures": _Verb("closures", "休業日: days on which the association is closed."),
    "members": _Verb("members", "会員: the register of members."),
    "events": _Verb(
        "events",
        "Events from billing.",
        further=(("example", "examples"), ("stream", "examples")),
    ),
    "messages": _Verb(
        "messages",
        "Messages: what was sent to whom, and what became of it.",
        further=(("settle-by-log", "settling"), ("resend", "resend")),
    ),
    "cases": _Verb(
        "cases", "Cases: a failed charge, a refund, a renewal, from its beginning to its end."
    ),
    "tasks": _Verb("tasks", "Tasks: what a person must do."),
    "letters": _Verb(
        "letters",
        "手紙: letters to a cohort.",
        further=(("returned", "returned"), ("scan", "returned")),
    ),
    "batches": _Verb("batches", "Batches of letters for the press."),
    "jobs": _Verb("jobs", "Long work: what runs, how far it is, and what came of it."),
    "rejected": _Verb("rejected", "Rejected entries of the intake stream."),
    "keys": _Verb("keys", "API keys of the systems that send events."),
    "staff": _Verb("staff", "Staff: whom alerts about tasks reach."),
    "dkim": _Verb("dkim", "Keys that mails are signed with (DKIM)."),
    "templates": _Verb("templates", "Wording: drafts, checks, publications."),
    "webhooks": _Verb("webhooks", "Webhooks: who is called about messages."),
    "inquiries": _Verb("inquiries", "Inquiries, complaints and thanks of members."),
    "returns": _Verb("returns", "Returns: bounces, complaints, answers."),
    "suppressions": _Verb("suppressions", "Addresses that no mail is sent to."),
}


def _loaded(name: str, verb: _Verb) -> Any:
    """Return the click command of a verb, its modules loaded."""
    if verb.function:
        app = typer.Typer(rich_markup_mode=None, add_completion=False)
        app.command(name)(_attribute(verb.module, verb.function))
        return get_command(app)
    group = _attribute(verb.module, "app")
    for inner, module in verb.further:
        if inner not in {command.name for command in group.registered_commands}:
            group.command(inner)(_attribute(module, inner.replace("-", "_")))
    group.rich_markup_mode = None
    return get_group(group)


def _attribute(module: str, name: str) -> Any:
    return getattr(import_module(f"{__package__}.{module}"), name)


class _Table(TyperGroup):
    """Verbs by their table: to list them loads none, to call one loads its own."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = dict.fromkeys(_VERBS)  # what a misspelt name is compared with

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        """Return the names in the order of the table."""
        return [*_VERBS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        """Return the command of a verb; None where there is none."""
        verb = _VERBS.get(cmd_name)
        command = _loaded(cmd_name, verb) if verb else None
        if not gc.isenabled():
            gc.freeze()
            gc.enable()
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        """Write the verbs and what they are for."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.help) for name, verb in _VERBS.items()])


# Plain help: frames and colours by rich take longer to load than all else that help needs.
app = typer.Typer(
    name="notifier",
    cls=_Table,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"notifier {version('notifier')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
) -> None:
    """Notices to members: from billing events to mails and letters, and the record of them."""


def run_verb() -> None:
    """Run the verb that the command line names; end the process."""
    app()
