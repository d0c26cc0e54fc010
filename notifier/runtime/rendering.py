"""The renderer of a process."""

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.compose import House
from notifier.delivery.editions import Editions
from notifier.delivery.render import Renderer
from notifier.model.provider import METADATA_HEADER
from notifier.rendering.stream import Stream
from notifier.rendering.writer import Writer

from .settings import Settings
from .signing import signer


def renderer(given: Settings, writer: Writer, house: House, *, engine: AsyncEngine) -> Renderer:
    """Writes mails in the name of this house, from what is in force on record."""
    return Renderer(
        writer=writer,
        editions=Editions(engine, writer),
        house=house,
        bounce_domain=given.bounce_domain,
        message_id_domain=given.message_id_domain,
        signer=signer(given),
        stream=Stream(
            sender_id=given.feedback_sender,
            unsubscribe_domain=given.bounce_domain,
            unsubscribe_url=given.unsubscribe_url,
            token_header=METADATA_HEADER if given.providers.postmark else "",
        ),
    )
