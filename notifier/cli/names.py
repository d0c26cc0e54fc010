"""Numbers and names that people type, in the forms in which they are shown to them."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from notifier.app.lookups import near
from notifier.model.batch import batch_number
from notifier.model.characters import printable
from notifier.model.errors import NotFound
from notifier.model.message import message_number
from notifier.model.numbers import number_of
from notifier.model.reasons import Reason
from notifier.model.states import Channel

from .faults import fail
from .language import wrong_use


def reason_of(text: str) -> Reason:
    """Return the reason of this name; refuse others with the nearest ones."""
    if isinstance(text, Reason):
        return text
    try:
        return Reason(text)
    except ValueError:
        close = ", ".join(near(text, Reason))
        code = "no_such_reason" if close else "no_reason"
        wrong_use(code, text=printable(text), close=close)


def channel_of(text: str) -> Channel:
    """Return the channel of this name; refuse others with those there are."""
    try:
        return Channel(text)
    except ValueError:
        known = ", ".join(Channel)
        wrong_use("no_such_channel", text=printable(text), known=known)


def _named(read: Callable[[str], int]) -> Callable[[str | int], int]:
    def parse(text: str | int) -> int:
        try:
            return text if isinstance(text, int) else read(text)
        except NotFound as problem:
            fail(problem)

    return parse


def _numbered(kind: str) -> Callable[[str | int], int]:
    def parse(text: str | int) -> int:
        found = text if isinstance(text, int) else number_of(kind, text)
        if not found:
            wrong_use("no_number", text=printable(str(text)))
        return found

    return parse


_message, _batch = _named(message_number), _named(batch_number)
_case, _task, _job = _numbered("case"), _numbered("task"), _numbered("job")
MessageId = Annotated[int, typer.Argument(parser=_message, metavar="MESSAGE")]
MessageIds = Annotated[list[int] | None, typer.Argument(parser=_message, metavar="MESSAGE…")]
OfMessage = Annotated[int | None, typer.Option("--message", parser=_message, metavar="MESSAGE")]
BatchId = Annotated[int, typer.Argument(parser=_batch, metavar="BATCH")]
OfBatch = Annotated[int | None, typer.Option("--batch", parser=_batch, metavar="BATCH")]
CaseId = Annotated[int, typer.Argument(parser=_case, metavar="CASE")]
JobId = Annotated[int, typer.Argument(parser=_job, metavar="JOB")]
TaskId = Annotated[int, typer.Argument(parser=_task, metavar="TASK")]
OfReason = Annotated[Reason | None, typer.Option("--reason", parser=reason_of, metavar="REASON")]
ByChannel = Annotated[
    Channel | None, typer.Option("--channel", parser=channel_of, metavar="|".join(Channel))
]
OfMember = Annotated[str | None, typer.Option("--member")]
OfMailing = Annotated[str | None, typer.Option("--mailing")]
OfCampaign = Annotated[int | None, typer.Option("--campaign", min=1, max=10**15)]
File = Annotated[Path, typer.Argument(exists=True, dir_okay=False)]
Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE…")]
To = Annotated[Path | None, typer.Option("--to", "-o")]
Export = Annotated[Path, typer.Option("--to", "-o")]
Note = Annotated[str, typer.Option(prompt=True)]
All = Annotated[bool, typer.Option("--all")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD")]
