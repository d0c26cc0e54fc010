"""Letters: set by the templates of a notice, collected into batches by ``printing``."""

from collections.abc import Mapping

from notifier.model.correspondence import Correspondence
from notifier.model.outcome import RenderedMessage
from notifier.model.states import Channel
from notifier.printing.collect import collect
from notifier.rendering.writer import Writer

from .adapter import Adapter


class Letter(Adapter):
    """The channel ``letter``."""

    channel = Channel.LETTER
    collect = staticmethod(collect)  # somebody asks for a batch

    def render(self, writer: Writer, c: Correspondence) -> RenderedMessage:
        """Size and pages of the letter."""
        letter = writer.letter(c)
        return RenderedMessage(
            subject=None, text=None, size=len(letter.pdf), pages=letter.pages, problem=None
        )

    def preview(self, writer: Writer, c: Correspondence) -> Mapping[str, bytes]:
        """The letter and its pages as pictures."""
        pages = {f"{n}.png": png for n, png in enumerate(writer.letter_png(c), 1)}
        return {"pdf": writer.letter(c).pdf, **pages}
