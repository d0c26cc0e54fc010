"""Settings: environment variables ``NOTIFIER_…`` and an optional ``notifier.toml``."""

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from notifier.model.dkim import DkimKey
from notifier.model.http import Http
from notifier.model.inbox import Inbox
from notifier.model.notice import Lane
from notifier.model.plan import Hours
from notifier.model.press import Press
from notifier.model.relay import Relay, Tls, relays_for
from notifier.model.retention import Retention
from notifier.model.webhook import Outside
from notifier.rendering.stationery import ENVELOPES, Stationery, Style
from notifier.returns.providers import read_settings

PREFIX: Final = "NOTIFIER_"
FILE: Final = Path("notifier.toml")
_Database = Annotated[str, Field(pattern=r"^postgresql\+asyncpg://")]
_Redis = Annotated[str, Field(pattern=r"^(redis|rediss|unix)://")]
_PACKAGE: Final = Path(__file__).resolve().parent.parent


class BadSettings(Exception):
    """A setting is missing or wrong; the text names it as it is written in the environment."""


def _data(name: str) -> Path:
    """A folder of the checkout, or the copy that an installed package carries."""
    checkout = _PACKAGE.parent / name
    return checkout if checkout.is_dir() else _PACKAGE / "_data" / name


def _one_relay(given: dict[str, Any]) -> tuple[Relay, ...]:
    names = ("host", "port", "tls", "username", "password")
    return (Relay.model_validate({name: given[f"relay_{name}"] for name in names}),)


def _providers(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """What each provider that is named needs to know; libraries are loaded for these alone."""
    named = {name: one for name, one in given.items() if one is not None}
    return read_settings(named) if named else {}


class Settings(BaseSettings):
    """What an operator may decide. Frozen; every process reads it once at its start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, extra="forbid", frozen=True, env_ignore_empty=True
    )

    database_url: _Database | None = None  # None: embedded PostgreSQL in var
    database_owner_url: _Database | None = None  # for migrations and partitions; None: as above
    database_name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "notifier"  # embedded
    #: Connections of one process, as many again when it must be; three lanes keep up to twelve.
    database_pool: Annotated[int, Field(ge=8, le=200)] = 10
    redis_url: _Redis | None = None  # None: embedded Valkey in var
    #: None: no stream is read; ``embedded``: one in var, to try it on one machine.
    intake_redis_url: _Redis | Literal["embedded"] | None = None
    intake_stream: str = "notifier:events"
    intake_keep_hours: Annotated[int, Field(ge=0, le=8760)] = 24  # acknowledged entries stay
    intake_source: str | None = None  # the source that entries of the stream must have

    #: How long rejected entries are kept that were replayed or discarded.
    rejected_keep_days: Annotated[int, Field(ge=1, le=3650)] = 90

    var: Path = Path("var")  # embedded engines, journals, batches
    templates: Path = Field(default_factory=lambda: _data("templates"))
    locales: Path = Field(default_factory=lambda: _data("locales"))
    locale: Literal["ja", "en"] = "ja"

    relay_host: str = "localhost"
    relay_port: Annotated[int, Field(ge=1, le=65535)] = 25
    relay_tls: Tls = Tls.STARTTLS
    relay_username: str | None = None
    relay_password: SecretStr | None = None
    #: Several relays, or one with more to say than the simple settings above.
    relays: tuple[Relay, ...] = Field(default_factory=_one_relay)
    destinations: Path | None = None  # limits of destinations that differ from the shipped ones
    bounce_domain: str = "bounce.example.jp"  # of return paths, b+TOKEN@…
    message_id_domain: str = "notifier.example.jp"
    staff_sender: str = "notifier@example.jp"  # From of mails to staff
    feedback_sender: Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{5,15})?$")] = ""
    unsubscribe_url: Annotated[str, Field(pattern=r"^(https://[!-;=?-~]{1,190})?$")] = ""
    dkim: tuple[DkimKey, ...] = ()  # keys that mails are signed with
    inbox: Inbox = Field(default_factory=Inbox)  # where what comes back may come in
    press: Press = Field(default_factory=Press)  # who prints letters, and how batches get there

    letter_envelope: str = "naga3"  # naga3, naga3_25, naga3_tall, kaku2
    letter_fold_marks: bool = True
    letter_style: Style = Style.GOTHIC
    letter_mincho: str = "Noto Serif CJK JP"  # the installed font that the style mincho takes
    letter_most_pages: Annotated[int, Field(ge=1, le=50)] = 6
    letter_sheet_grams: Annotated[float, Field(gt=0, le=20)] = 5.0  # one sheet, printed on one side
    letter_unprintable_mm: Annotated[float, Field(ge=0, le=15)] = 5.0  # along each edge

    #: Whose webhooks are listened to: name → what its module asks for.
    providers: Annotated[Mapping[str, Any], AfterValidator(_providers)] = {}
    webhooks: Outside = Field(default_factory=Outside)  # whom calls may reach, and how

    #: When messages go out, in Japan on open days; ``always``: at any time of any day.
    sending_hours: Annotated[str, Field(pattern=r"^(always|\d\d:\d\d-\d\d:\d\d)$")] = "09:00-19:00"

    #: For how long embedded engines stay after a verb, so that the next one need not start them.
    engines_linger_seconds: Annotated[float, Field(ge=0, le=86_400)] = 300

    session: Path | None = None  # of who has signed in; None: in the person's own state folder
    token: SecretStr | None = None  # of a service account, for scripts
    #: What hashing a password takes (argon2id); what is kept of others still counts.
    password_memory_kib: Annotated[int, Field(ge=8192, le=4_194_304)] = 65_536
    password_passes: Annotated[int, Field(ge=1, le=100)] = 3

    api_host: str = "127.0.0.1"
    api_port: Annotated[int, Field(ge=0, le=65535)] = 8000
    http: Http = Field(default_factory=Http)  # limits of HTTP, and whose forwarding is believed
    retention: Retention = Field(default_factory=Retention)  # how long what grows is kept
    lease_seconds: Annotated[float, Field(gt=0, le=3600)] = 40  # with a sweep: found in a minute
    clock_file: Path | None = None  # rehearsals only: signed seconds by which the clock is off

    @property
    def hours(self) -> Hours | None:
        """When messages go out; None: always. Raises ValueError for hours that are none."""
        if self.sending_hours == "always":
            return None
        try:
            opens, closes = (time.fromisoformat(t) for t in self.sending_hours.split("-"))
        except ValueError:
            text = f"{PREFIX}SENDING_HOURS: {self.sending_hours} is no span of a day"
            raise ValueError(text) from None
        if opens >= closes:
            raise ValueError(f"{PREFIX}SENDING_HOURS: {opens} is not before {closes}")
        return Hours(opens, closes)

    @property
    def stationery(self) -> Stationery:
        """What letters are printed on and with."""
        return Stationery(
            envelope=self.letter_envelope,
            fold_marks=self.letter_fold_marks,
            style=self.letter_style,
            mincho=self.letter_mincho,
            most_pages=self.letter_most_pages,
            sheet_g=self.letter_sheet_grams,
            unprintable_mm=self.letter_unprintable_mm,
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (not read)
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given by the caller, then the environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, file_secret_settings, file

    @model_validator(mode="after")
    def _envelope_is_known(self) -> Self:
        if self.letter_envelope not in ENVELOPES:
            known = ", ".join(sorted(ENVELOPES))
            raise ValueError(f"{PREFIX}LETTER_ENVELOPE: is not one of {known}")
        return self

    @model_validator(mode="after")
    def _hours_are_some(self) -> Self:
        _ = self.hours
        return self

    @model_validator(mode="after")
    def _keys_differ(self) -> Self:
        places = [(key.domain, key.selector) for key in self.dkim]
        for n, place in enumerate(places):
            if place in places[:n]:
                raise ValueError(
                    f"{PREFIX}DKIM__{n}__SELECTOR: {place[1]} stands for another key of {place[0]}"
                )
        return self

    @model_validator(mode="after")
    def _relays_fit(self) -> Self:
        if not self.relays:
            raise ValueError(f"{PREFIX}RELAYS: at least one relay is needed")
        labels = [relay.label for relay in self.relays]
        for n, label in enumerate(labels):
            if label in labels[:n]:
                raise ValueError(f"{PREFIX}RELAYS__{n}__NAME: another relay is called {label}, too")
        unserved = [lane.name.lower() for lane in Lane if not relays_for(lane, self.relays)]
        if unserved:
            raise ValueError(f"{PREFIX}RELAYS: no relay has the lane {', '.join(unserved)}")
        far = [relay.label for relay in self.relays if not relay.is_local]
        if self.clock_file is not None and far:
            raise ValueError(
                f"{PREFIX}CLOCK_FILE: a shifted clock is allowed only with relays on loopback,"
                f" not {far[0]}"
            )
        return self


def load_settings(**given: Any) -> Settings:
    """Settings from ``given``, the environment and ``notifier.toml``, in this order.

    Raises :class:`BadSettings`, which names every setting that is wrong, or that there is none of.
    """
    unknown = [_unknown(name) for name in sorted(os.environ) if not _is_known(name)]
    if unknown:
        raise BadSettings("\n".join(unknown))
    try:
        return Settings(**given)
    except ValidationError as error:
        # A relay that was made of the simple settings is named by these.
        prefix = f"{PREFIX}RELAY_" if error.title == Relay.__name__ else PREFIX
        lines = [_line(prefix, one) for one in error.errors(include_input=False)]
        raise BadSettings("\n".join(line for line in lines if line)) from None
    except SettingsError as error:  # not JSON where JSON is due
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{field[1].upper()}" if field else str(error)
        raise BadSettings(f"{name}: not readable as JSON") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{FILE}: {error}") from None


def _is_known(name: str) -> bool:
    beginning, name = name[: len(PREFIX)].upper(), name[len(PREFIX) :].lower()
    return beginning != PREFIX or name in Settings.model_fields


def _unknown(name: str) -> str:
    names = [PREFIX + field.upper() for field in Settings.model_fields]
    close = get_close_matches(name.upper(), names, n=2, cutoff=0.75)
    outer = name.upper().partition("__")[0]
    if outer in names:  # what belongs to a setting that is an object
        return f"{name}: no such setting; {outer} is a JSON object (docs/settings.md)"
    return f"{name}: no such setting" + (f"; close to it: {', '.join(close)}" if close else "")


def _line(prefix: str, error: ErrorDetails) -> str:
    if error["type"] == "default_factory_not_called":
        return ""  # its cause has a line of its own
    text = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        text = "no such setting"
    name = "__".join(str(part) for part in error["loc"]).upper()
    if not name and prefix != PREFIX:
        name = "*"
    return f"{prefix}{name}: {text}" if name else text
