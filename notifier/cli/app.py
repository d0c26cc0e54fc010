"""The verbs of ``notifier``."""

import typer

from . import (
    batches,
    dkim,
    events,
    keys,
    letters,
    lint,
    members,
    messages,
    preview,
    rejected,
    run,
    schemes,
    settling,
    staff,
    tasks,
    templates,
    track,
)

messages.app.command("settle-by-log")(settling.settle_by_log)
app = typer.Typer(
    name="notifier",
    help="Notices to members: from billing events to mails and letters, and the record of them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for name, group in {
    "schemes": schemes.app,
    "members": members.app,
    "events": events.app,
    "messages": messages.app,
    "tasks": tasks.app,
    "letters": letters.app,
    "batches": batches.app,
    "rejected": rejected.app,
    "keys": keys.app,
    "staff": staff.app,
    "dkim": dkim.app,
    "templates": templates.app,
}.items():
    app.add_typer(group, name=name)
app.command("preview")(preview.preview)
app.command("lint")(lint.lint)
app.command("track")(track.track)
app.command("up")(run.up)
app.command("serve")(run.serve)
app.command("work")(run.work)
app.command("demo")(run.demo)


def main() -> None:
    """Entry of the console script."""
    app()
