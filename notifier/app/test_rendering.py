"""How a message of a test would look: its subject, its beginning, its size."""

from datetime import datetime

from notifier.channels.registry import adapter_of
from notifier.delivery.compose import StaffSender, Unsendable, correspondence
from notifier.logs import get_logger
from notifier.model.outcome import RenderedMessage
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.rendering.errors import LetterError
from notifier.rendering.writer import Writer
from notifier.store.compose import WantedMessage

_log = get_logger(__name__)


def rendered(
    writer: Writer, row: WantedMessage, house: StaffSender, now: datetime
) -> RenderedMessage:
    """A message from a row of :func:`notifier.store.compose.load`, or why it cannot be written."""
    try:
        c = correspondence(row, house, now=now)
        return adapter_of(Channel(row.channel)).render(writer, c)
    except (Unsendable, LetterError) as problem:
        return _problem(problem.reason)
    except Exception as problem:  # noqa: BLE001 (whatever a template does, the test says so)
        _log.warning("test.render_failed", notice=row.notice, kind=type(problem).__name__)
        return _problem(Reason.RENDER_FAILED)


def _problem(reason: Reason) -> RenderedMessage:
    return RenderedMessage(subject=None, text=None, size=None, pages=None, problem=reason)
