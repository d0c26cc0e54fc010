"""The desk for providers: a request in, what came back out, if it is genuine."""

from collections.abc import Callable, Mapping
from datetime import datetime

from notifier.intake.envelope import MAX_BODY
from notifier.logs import get_logger
from notifier.model.errors import BadInput
from notifier.model.provider import Provider, Providers
from notifier.model.returns import Return
from notifier.model.tracking import ReturnKind
from notifier.webhooks.outside import Outside

from . import postmark, sendgrid, ses
from .given import made
from .sns import NotGenuine, Sns

log = get_logger(__name__)


class ProviderDesk:
    """Reads the requests of the providers that the settings name."""

    def __init__(self, given: Providers, now: Callable[[], datetime]) -> None:
        """``now``: the real time. Raises OSError where a file of certificates cannot be read."""
        self._given, self._now = given, now
        self._outside = Outside(given.ses.fetch) if given.ses else None
        self._sns = Sns(given.ses, self._outside, now) if given.ses and self._outside else None

    def knows(self, provider: Provider) -> bool:
        """Whether the settings name it."""
        return getattr(self._given, provider) is not None

    async def close(self) -> None:
        """Let go of connections."""
        if self._outside is not None:
            await self._outside.close()

    def vouches(self, provider: Provider, headers: Mapping[str, str]) -> bool:
        """Whether the head of a request alone proves who calls.

        Raises :class:`NotGenuine` where it proves that it is nobody whom we listen to.
        """
        if provider is Provider.POSTMARK and self._given.postmark is not None:
            if not postmark.is_genuine(headers, self._given.postmark):
                raise NotGenuine("password")
            return True
        if provider is Provider.SENDGRID and not sendgrid.is_signed(headers):
            raise NotGenuine("signature")
        return False

    async def read(
        self, provider: Provider, headers: Mapping[str, str], body: bytes
    ) -> list[Return]:
        """What a request tells, perhaps nothing.

        Raises :class:`NotGenuine`, ``BadInput`` on what is no message of SNS, and ``Unreachable``
        where it cannot be told yet.
        """
        if provider is Provider.SES and self._sns is not None:
            return await self._from_sns(self._sns, body)
        given = self._given
        if provider is Provider.SENDGRID and given.sendgrid is not None:
            if not sendgrid.is_genuine(headers, body, given.sendgrid.keys):
                raise NotGenuine("signature")
            return _read(provider, "", body, lambda: sendgrid.returns(body, MAX_BODY))
        if provider is Provider.POSTMARK and given.postmark is not None:
            if not postmark.is_genuine(headers, given.postmark):
                raise NotGenuine("password")
            return _read(provider, "", body, lambda: postmark.returns(body, MAX_BODY))
        raise NotGenuine("provider")

    async def _from_sns(self, sns: Sns, body: bytes) -> list[Return]:
        envelope = await sns.open(body)
        if envelope.kind == "Notification":
            told, name = envelope.message, envelope.message_id
            return _read(Provider.SES, name, body, lambda: ses.returns(told, name, body))
        if envelope.kind == "SubscriptionConfirmation":
            await sns.confirm(envelope)
        else:  # it is not taken back here: whoever did it may have meant it
            log.warning("sns.unsubscribed", topic=envelope.fields["TopicArn"])
        return []


def _read(
    provider: Provider, event_id: str, body: bytes, read: Callable[[], list[Return]]
) -> list[Return]:
    """What a genuine request tells; one that cannot be read is for a person, never dropped."""
    try:
        return read()
    except BadInput:
        return [made(provider, event_id, body, ReturnKind.UNKNOWN, (), at=None)]
