"""What the rules need besides the record of one member: schemes, notices, closed days, terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.notice import Notice
from notifier.model.plan import OFFICE_HOURS, Calendar, Hours
from notifier.model.press import Press
from notifier.model.scheme import Scheme
from notifier.rules.open_days import NO_CLOSURES, Closures
from notifier.store import closures, schemes


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleContext:
    """What does not change from event to event."""

    schemes: Mapping[str, Scheme]
    notices: Mapping[str, Notice]
    closures: Closures = NO_CLOSURES
    hours: Hours | None = OFFICE_HOURS  # None: at any time
    press: Press = field(default_factory=Press)  # by when its letters are there

    def calendar(self, scheme: str) -> Calendar:
        """When messages about a scheme go out."""
        return Calendar(is_open=self.closures.of(scheme), hours=self.hours)


async def load_rule_context(
    conn: AsyncConnection, notices: Mapping[str, Notice], hours: Hours | None, press: Press
) -> RuleContext:
    """Schemes and closed days as registered now, with what the program was set up with."""
    return RuleContext(
        schemes=await schemes.all_of(conn),
        notices=notices,
        closures=Closures(await closures.all_of(conn)),
        hours=hours,
        press=press,
    )
