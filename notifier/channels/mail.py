"""Mail: rendered by the templates of a notice, sent by the workers of ``delivery``."""

from collections.abc import Mapping
from typing import Final

from notifier.delivery.process import deliver
from notifier.model.correspondence import Correspondence
from notifier.model.outcome import RenderedMessage
from notifier.model.states import Channel
from notifier.rendering.writer import Writer
from notifier.rendering.written import WrittenMail

from .adapter import Adapter

_MOST_TEXT: Final = 2_000  # characters
_PART: Final = "test"  # parts the parts of a mail that nobody gets


class Mail(Adapter):
    """The channel ``email``."""

    channel = Channel.EMAIL
    deliver = staticmethod(deliver)  # a worker process runs it for as long as it lives

    def render(self, writer: Writer, c: Correspondence) -> RenderedMessage:
        """Subject, beginning and size of the mail."""
        mail = _mail(writer, c)
        return RenderedMessage(
            subject=mail.subject,
            text=mail.text[:_MOST_TEXT],
            size=len(mail.data),
            pages=None,
            problem=None,
        )

    def preview(self, writer: Writer, c: Correspondence) -> Mapping[str, bytes]:
        """The mail, its page and its text."""
        mail = _mail(writer, c)
        return {
            "eml": mail.data,
            "html": mail.html.encode(),
            "txt": f"{mail.subject}\n\n{mail.text}".encode(),
        }


def _mail(writer: Writer, c: Correspondence) -> WrittenMail:
    return writer.mail(c, token=_PART, message_id=f"<{_PART}@example.jp>")
