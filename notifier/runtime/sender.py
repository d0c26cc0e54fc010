"""In whose name the engine writes to staff."""

from datetime import date
from typing import Final

from notifier.delivery.compose import StaffSender
from notifier.model.scheme import Brand, Contact

from .settings import Settings

_NAME: Final = "会員通知システム"


def staff_sender(settings: Settings) -> StaffSender:
    """The house itself as a sender: a name, an address, and nobody to telephone."""
    nobody = Contact(name=_NAME, phone="", hours="", email=settings.staff_sender)
    domain = settings.staff_sender.rpartition("@")[2]
    brand = Brand(
        valid_from=date.min,
        association=_NAME,
        insurer="",
        sender_name=_NAME,
        sender_address=settings.staff_sender,
        reply_to=settings.staff_sender,
        colour="#37474f",
        agency=nobody,
        desk=nobody,
        login_url="",
        guide_url="",
        allowed_domains=(domain,),
        signatory=_NAME,
    )
    return StaffSender(name=_NAME, brand=brand)
