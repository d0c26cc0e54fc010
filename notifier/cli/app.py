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
    examples,
    identity,
    inquiries,
    keys,
    letters,
    lint,
    login,
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
    services,
    settling,
    simulate,
    staff,
    suppressions,
    tasks,
    templates,
    track,
    users,
    webhooks,
)

messages.app.command("settle-by-log")(settling.settle_by_log)
events.app.command("example")(examples.example)
events.app.command("stream")(examples.stream)
messages.app.command("resend")(resend.resend)
letters.app.command("returned")(returned.returned)
letters.app.command("scan")(returned.scan)
app = typer.Typer(
    name="notifier",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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
    "users": users.app,
    "services": services.app,
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
    context: typer.Context,
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which this is.")
    ] = False,
    code: Annotated[
        str, typer.Option("--code", help="Of the authenticator, for verbs that ask for one.")
    ] = "",
) -> None:
    """Notices to members: from billing events to mails and letters, and the record of them."""
    context.meta[identity.CODE] = code


app.command("simulate")(simulate.simulate)
app.command("preview")(preview.preview)
app.command("lint")(lint.lint)
app.command("report")(report.report)
app.command("track")(track.track)
app.command("relay-log")(receiving.relay_log)
app.command("login")(login.login)
app.command("logout")(login.logout)
app.command("whoami")(login.whoami)
app.command("up")(run.up)
app.command("serve")(run.serve)
app.command("work")(run.work)
app.command("receive")(receiving.receive)
app.command("demo")(run.demo)


def run_verb() -> None:
    """Run the verb that the command line names; end the process."""
    app()
