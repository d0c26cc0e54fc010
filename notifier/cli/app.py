"""The verbs of ``notifier``."""

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
    messages,
    preview,
    receiving,
    rejected,
    report,
    resend,
    returned,
    returns,
    run,
    schemes,
    settling,
    simulate,
    staff,
    suppressions,
    tasks,
    templates,
    track,
    webhooks,
)

messages.app.command("settle-by-log")(settling.settle_by_log)
messages.app.command("resend")(resend.resend)
letters.app.command("returned")(returned.returned)
letters.app.command("scan")(returned.scan)
app = typer.Typer(
    name="notifier",
    help="Notices to members: from billing events to mails and letters, and the record of them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for name, group in {
    "schemes": schemes.app,
    "closures": closures.app,
    "members": members.app,
    "events": events.app,
    "messages": messages.app,
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
app.command("simulate")(simulate.simulate)
app.command("preview")(preview.preview)
app.command("lint")(lint.lint)
app.command("report")(report.report)
app.command("track")(track.track)
app.command("relay-log")(receiving.relay_log)
app.command("up")(run.up)
app.command("serve")(run.serve)
app.command("work")(run.work)
app.command("receive")(receiving.receive)
app.command("demo")(run.demo)


def main() -> None:
    """Entry of the console script."""
    app()
