"""The verbs of ``notifier``."""

from importlib.metadata import version
from typing import Annotated

import typer

from . import (
    batches,
    cases,
    closures,
    dkim,
    events,
    inquiries,
    keys,
    letters,
    lint,
    members,
    message_moves,
    preview,
    rejected,
    report,
    returns,
    run,
    schemes,
    simulate,
    staff,
    suppressions,
    tasks,
    templates,
    track,
    webhooks,
)
from .verbs import Verbs

app = Verbs()
for name, group in {
    "schemes": schemes.app,
    "closures": closures.app,
    "members": members.app,
    "events": events.app,
    "messages": message_moves.app,
    "cases": cases.app,
    "tasks": tasks.app,
    "letters": letters.app,
    "batches": batches.app,
    "rejected": rejected.app,
    "keys": keys.app,
    "staff": staff.app,
    "dkim": dkim.app,
    "templates": templates.app,
    "webhooks": webhooks.app,
    "inquiries": inquiries.app,
    "returns": returns.app,
    "suppressions": suppressions.app,
}.items():
    app.add_typer(group, name=name)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"notifier {version('notifier')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Notices to members: from billing events to mails and letters, and the record of them."""


app.command("simulate")(simulate.simulate)
app.command("preview")(preview.preview)
app.command("lint")(lint.lint)
app.command("report")(report.report)
app.command("track")(track.track)
app.command("relay-log")(track.relay_log)
app.command("up")(run.up)
app.command("serve")(run.serve)
app.command("work")(run.work)
app.command("receive")(run.receive)
app.command("demo")(run.demo)


def run_verb() -> None:
    """Run the verb that the command line names; end the process."""
    app()
