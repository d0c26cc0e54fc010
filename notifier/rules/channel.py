"""Which channel reaches a member."""

from notifier.model.member import Member
from notifier.model.notice import Notice
from notifier.model.states import Channel


def choose(member: Member, notice: Notice) -> Channel | None:
    """The member's preference where the notice allows it, else the notice's order.

    A binding notice goes by its own order alone.

    None when no channel of the notice reaches the member.
    """
    order = list(notice.channels)
    if member.channel in order and not notice.binding:
        order.remove(member.channel)
        order.insert(0, member.channel)
    return next((c for c in order if reaches(member, c)), None)


def reaches(member: Member, channel: Channel) -> bool:
    """Whether a channel leads to a member as far as the register knows."""
    return bool(getattr(member, channel.rules.needs))
