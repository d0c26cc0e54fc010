"""The environment that templates run in: values, and never Python behind them."""

from collections.abc import Mapping, Sequence
from typing import Any

from jinja2 import DictLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from markupsafe import escape as escaped

from notifier.write import japanese
from notifier.write.errors import WriteError


def unbroken_yen(amount: int) -> Markup:
    """An amount for a page: no line ends between its digits and 円."""
    return unbroken(japanese.yen(amount))


def unbroken(text: str) -> Markup:
    """Text in one piece, in a form that also old mail programs know."""
    return Markup(f"<nobr>{escaped(text)}</nobr>")  # noqa: S704 (escaped)


def flat(lists: Sequence[Any]) -> list[Any]:
    """Lists one after the other as one; what is in them is not looked at."""
    if not all(isinstance(each, list | tuple) for each in lists):
        raise WriteError("template", "flat joins lists and nothing else")
    return [one for each in lists for one in each]


class Sandbox(ImmutableSandboxedEnvironment):
    """Staff will be able to edit templates: they see values, never Python behind them."""

    intercepted_binops = frozenset({"**", "*"})  # the ways to ask for endless work

    def __init__(
        self, files: Mapping[str, str], *, escape: bool, filters: Mapping[str, Any]
    ) -> None:
        """``files``: name → text; ``escape``: whether what is filled in is escaped for HTML.

        ``filters``: further ones, by name.
        """
        super().__init__(
            loader=DictLoader(files),
            undefined=StrictUndefined,
            autoescape=escape,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self.filters |= {
            "yen": unbroken_yen if escape else japanese.yen,
            "number": japanese.number,
            "date": japanese.long_date,
            "plain_date": japanese.plain_date,
            "wareki": japanese.wareki,
            "postcode": japanese.postcode,
            "dialled": japanese.dialled,
            "flat": flat,
            **filters,
        }

    def getattr(self, obj: Any, attribute: str) -> Any:
        # Nearly all that templates look up is an entry; asking Python first would raise each time.
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator in Sandbox.intercepted_binops:
            raise WriteError("template", f"{operator} is not allowed in a template")
        return super().call_binop(context, operator, left, right)
