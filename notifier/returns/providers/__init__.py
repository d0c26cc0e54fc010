"""Mail providers that tell by webhooks what became of mails. Each is a module here and a table.

``<name>.toml`` says what the provider's words mean in ours; ``<name>.py`` has, as ``PROVIDER``, the
:class:`~notifier.returns.providers.base.Provider` that reads its requests, with its settings.
``docs/adding-a-provider.md`` says how a further one is made.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, create_model

if TYPE_CHECKING:
    from .base import Provider


def names() -> tuple[str, ...]:
    """The names of all providers."""
    return tuple(sorted(path.stem for place in __path__ for path in Path(place).glob("*.toml")))


def table_file(name: str) -> Path:
    """Where the table of a provider is."""
    places = (Path(place) / f"{name}.toml" for place in __path__)
    return next(path for path in places if path.is_file())


def load(name: str) -> "type[Provider[Any]]":
    """The provider of a name."""
    found: type[Provider[Any]] = import_module(f"{__name__}.{name}").PROVIDER
    return found


def read_settings(given: Mapping[str, Any]) -> dict[str, BaseModel]:
    """Name → settings of the providers that are named. Raises ValidationError."""
    fields: dict[str, Any] = {n: (load(n).Settings, ...) for n in names() if n in given}
    model = create_model("Providers", __config__=ConfigDict(extra="forbid"), **fields)
    return dict(model.model_validate(given))
