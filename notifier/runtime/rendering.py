"""The renderer of a process."""

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.compose import StaffSender
from notifier.delivery.editions import Editions
from notifier.delivery.render import Renderer
from notifier.rendering.mail.mime import Stream
from notifier.rendering.writer import Writer
from notifier.returns import providers

from .settings import Settings
from .signing import signer


def renderer(
    given: Settings, writer: Writer, sender: StaffSender, *, engine: AsyncEngine
) -> Renderer:
    """Writes mails in the name of this house, from what is in force on record."""
    return Renderer(
        writer=writer,
        editions=Editions(engine, writer),
        sender=sender,
        bounce_domain=given.bounce_domain,
        message_id_domain=given.message_id_domain,
        signer=signer(given),
        stream=Stream(
            sender_id=given.feedback_sender,
            unsubscribe_domain=given.bounce_domain,
            unsubscribe_url=given.unsubscribe_url,
            token_header=_token_header(given),
        ),
    )


def _token_header(given: Settings) -> str:
    """The header by which a provider can name mails of ours; empty: none wants one."""
    headers = (providers.load(name).token_header for name in given.providers)
    return next(filter(None, headers), "")
