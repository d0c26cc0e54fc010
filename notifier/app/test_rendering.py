"""How a message of a test would look: its subject, its beginning, its size."""

from datetime import datetime
from typing import Final

import structlog

from notifier.delivery.compose import House, Unsendable, correspondence
from notifier.model.correspondence import Correspondence
from notifier.model.outcome import RenderedMessage
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.rendering.errors import LetterError
from notifier.rendering.writer import Writer
from notifier.store.compose import WantedMessage

_MOST_TEXT: Final = 2_000  # characters
_PART: Final = "test"  # parts the parts of a mail
_log = structlog.get_logger()


def rendered(writer: Writer, row: WantedMessage, house: House, now: datetime) -> RenderedMessage:
    """A message from a row of :func:`notifier.store.compose.load`, or why it cannot be written."""
    try:
        c = correspondence(row, house, now=now)
        return _letter(writer, c) if row.channel == Channel.LETTER else _mail(writer, c)
    except (Unsendable, LetterError) as problem:
        return _problem(problem.reason)
    except Exception as problem:  # noqa: BLE001 (whatever a template does, the test says so)
        _log.warning("test.render_failed", notice=row.notice, kind=type(problem).__name__)
        return _problem(Reason.RENDER_FAILED)


def _mail(writer: Writer, c: Correspondence) -> RenderedMessage:
    mail = writer.mail(c, token=_PART, message_id=f"<{_PART}@example.jp>")
    return RenderedMessage(
        subject=mail.subject,
        text=mail.text[:_MOST_TEXT],
        size=len(mail.data),
        pages=None,
        problem=None,
    )


def _letter(writer: Writer, c: Correspondence) -> RenderedMessage:
    letter = writer.letter(c)
    return RenderedMessage(
        subject=None, text=None, size=len(letter.pdf), pages=letter.pages, problem=None
    )


def _problem(reason: Reason) -> RenderedMessage:
    return RenderedMessage(subject=None, text=None, size=None, pages=None, problem=reason)
