"""The limits of destinations, as this house has them."""

from notifier.delivery.destinations import (
    BadDestinations,
    Destinations,
    read_destinations,
    shipped,
)

from .settings import PREFIX, BadSettings, Settings


def destinations_of(given: Settings) -> Destinations:
    """Those that come with the engine, or an operator's file over them.

    Raises :class:`BadSettings`, which names file and key.
    """
    if given.destinations is None:
        return shipped()
    try:
        return read_destinations(given.destinations)
    except BadDestinations as error:
        raise BadSettings(f"{PREFIX}DESTINATIONS: {error}") from None
