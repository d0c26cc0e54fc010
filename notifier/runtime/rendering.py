"""The renderer of a process."""

from notifier.deliver.compose import House
from notifier.deliver.render import Renderer, Writer
from notifier.write.stream import Stream

from .settings import Settings
from .signing import signer


def renderer(given: Settings, writer: Writer, house: House) -> Renderer:
    """Writes mails in the name of this house."""
    return Renderer(
        writer=writer,
        house=house,
        bounce_domain=given.bounce_domain,
        message_id_domain=given.message_id_domain,
        signer=signer(given),
        stream=Stream(
            sender_id=given.feedback_sender,
            unsubscribe_domain=given.bounce_domain,
            unsubscribe_url=given.unsubscribe_url,
        ),
    )
