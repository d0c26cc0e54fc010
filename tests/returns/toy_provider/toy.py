"""A toy of a provider: it signs with a secret in a header, and tells one event at a time."""

import hmac
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from notifier.intake.envelope import MAX_BODY
from notifier.intake.strict_json import decode, refusal
from notifier.model.returns import Return
from notifier.returns.providers.base import NotGenuine, Provider, made, moment, or_unknown, text
from notifier.returns.providers.table import table

NAME = "toy"


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Annotated[SecretStr, Field(min_length=16)]


class Toy(Provider[Settings]):
    name, Settings = NAME, Settings

    def vouches(self, headers: Mapping[str, str]) -> bool:
        brought = headers.get("x-toy-secret", "").encode()
        if not hmac.compare_digest(brought, self.settings.secret.get_secret_value().encode()):
            raise NotGenuine("secret")
        return True

    async def read(self, headers: Mapping[str, str], body: bytes) -> list[Return]:
        self.vouches(headers)
        return or_unknown(NAME, "", body, lambda: returns(body))


PROVIDER = Toy


def returns(body: bytes) -> list[Return]:
    found = decode(body, limit=MAX_BODY)
    if not isinstance(found, dict):
        raise refusal("wrong_type", expected="object")
    words, event = table(NAME), text(found, "event")
    kind = words.kind_of(event)
    if kind is None:
        return []
    finding = words.finding(
        kind, found.get("to"), event, status=found.get("status"), reply=found.get("reply")
    )
    tokens = (text(found, "token"),)
    at = moment(found.get("at"))
    return [made(NAME, text(found, "id"), body, kind, [finding], tokens=tokens, at=at)]
