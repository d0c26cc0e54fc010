"""Options that say what an inquiry or a figure is about."""

from typing import Annotated

import typer

from notifier.model.batch import batch_number
from notifier.model.inquiry import About
from notifier.model.message import message_number

Message = Annotated[str | None, typer.Option(help="Number of a message, such as M000000001.")]
Member = Annotated[str | None, typer.Option(help="Member number.")]
Mailing = Annotated[str | None, typer.Option(help="Name of a mailing to a cohort.")]
Campaign = Annotated[int | None, typer.Option(min=1, max=10**15, help="Number of a campaign.")]
BatchName = Annotated[str | None, typer.Option("--batch", help="Such as B000001.")]


def about(
    message: str | None,
    member: str | None,
    mailing: str | None,
    campaign: int | None,
    batch: str | None,
) -> About:
    """What the options say. Raises ``NotFound`` on a number that is none."""
    return About(
        message_id=message_number(message) if message else None,
        member_no=member or None,
        mailing=mailing or None,
        campaign_id=campaign,
        batch_id=batch_number(batch) if batch else None,
    )
