"""Values that rules are tested on."""

from datetime import timedelta

from notifier.model.notice import Lane, Notice, UncertainPolicy
from notifier.model.states import Channel


def notice(name: str, *, together: bool = False, asks_for_payment: bool = True) -> Notice:
    """A notice without fields."""
    return Notice(
        name=name,
        title=name,
        lane=Lane.STANDARD,
        channels=(Channel.EMAIL, Channel.LETTER),
        steps=("before_7", "before_3", "before_1", "passed"),
        expires_after=timedelta(days=3),
        uncertain=UncertainPolicy.RESEND,
        retention_years=10,
        fields=(),
        step_fields={},
        asks_for_payment=asks_for_payment,
        together=timedelta() if together else None,
    )
