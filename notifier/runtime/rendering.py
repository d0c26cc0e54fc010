"""The renderer of a process."""

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.compose import StaffSender
from notifier.delivery.render import Renderer
from notifier.model.provider import METADATA_HEADER
from notifier.rendering.mail.mime import Stream
from notifier.rendering.writer import Writer
from notifier.wording.editions import Editions

from .settings import Settings
from .signing import signer


def renderer(
    given: Settings, writer: Writer, house: StaffSender, *, engine: AsyncEngine
) -> Renderer:
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
