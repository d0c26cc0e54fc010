"""The environment that templates run in: values within limits, and never Python behind them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound, Undefined, nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.runtime import Macro, markup_join
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from markupsafe import escape as escaped

from notifier.rendering.errors import LimitExceeded, WriteError
from notifier.rendering.text import filters as bounded
from notifier.rendering.text import filters as permitted
from notifier.rendering.text import japanese, limits
from notifier.rendering.text import limits as meter
from notifier.rendering.text.counting import INTERNAL, Counted, CountingGenerator, check_size
from notifier.rendering.text.forms import JAPANESE, Forms
from notifier.rendering.text.limits import charge_items, charge_text, sized, weigh
from notifier.rendering.text.slots import Amount

#: What is printed as Python writes it; everything else is text, or no value.
_PRINTED: Final = (int, float, date, Undefined, Amount, type(None))
_NUMBERS: Final = (int, float)
_LISTS: Final = (list, tuple, dict)
_TWO_LISTS: Final = (list, list)
_TEXTS: Final = frozenset({str, Markup})
_MACRO: Final = 100  # units of a macro that is not known by its name


def unbroken(text: str) -> Markup:
    """Text in one piece, in a form that also old mail programs know."""
    return Markup(f"<nobr>{escaped(text)}</nobr>")  # noqa: S704 (escaped)


def flat(lists: Sequence[Any]) -> list[Any]:
    """Lists one after the other as one; what is in them is not looked at."""
    if not all(isinstance(each, list | tuple) for each in lists):
        raise WriteError("template", "flat joins lists and nothing else")
    charge_items(sum(map(len, lists)))
    return [one for each in lists for one in each]


class _Loader(BaseLoader):
    """Files by name; what is compiled of one bears its name, for the lines of errors."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files

    def get_source(
        self, environment: Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        """Text, name, and whether it is still the same. Raises TemplateNotFound."""
        del environment
        if template not in self._files:
            raise TemplateNotFound(template)
        return self._files[template], template, lambda: True


class Sandbox(ImmutableSandboxedEnvironment):
    """Staff can edit templates: they see values, and get no further than the limits."""

    intercepted_binops = permitted.OPERATORS
    code_generator_class = CountingGenerator

    def __init__(
        self,
        files: Mapping[str, str],
        *,
        escape: bool,
        filters: Mapping[str, Any],
        forms: Forms = JAPANESE,
    ) -> None:
        """``files``: name → text; ``escape``: whether what is filled in is escaped for HTML.

        ``filters``: further ones, by name; ``forms``: how dates and amounts are written.
        """
        super().__init__(
            loader=_Loader(files),
            undefined=StrictUndefined,
            autoescape=escape,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self.files = files
        self._macros: dict[str, int] = {}
        self.globals = dict(permitted.FUNCTIONS)
        self.filters = {
            **bounded.filters(self.filters),
            "yen": (lambda amount: unbroken(forms.yen(amount))) if escape else forms.yen,
            "number": forms.number,
            "date": forms.long_date,
            "plain_date": forms.plain_date,
            "wareki": japanese.wareki,
            "postcode": bounded.short(japanese.postcode),
            "dialled": bounded.short(japanese.dialled),
            "flat": flat,
            **filters,
            **INTERNAL,
        }
        self.tests = bounded.tests(self.tests)

    def getattr(self, obj: Any, attribute: str) -> Any:
        # Nearly all that templates look up is an entry; asking Python first would raise each time.
        if type(obj) is dict and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers within bounds; texts and lists are only added."""
        kinds = type(left), type(right)
        if operator == "+" and kinds == _TWO_LISTS:
            charge_items(len(left) + len(right))
            return left + right
        if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
            if operator not in ("*", "**") and abs(left) < limits.WHOLE > abs(right):
                return super().call_binop(context, operator, left, right)
        elif operator == "+" and isinstance(left, str) and isinstance(right, str):
            charge_text(len(left) + len(right))
            return left + right
        elif operator == "+" and isinstance(left, _LISTS) and isinstance(right, _LISTS):
            charge_items(len(left) + len(right))
            return super().call_binop(context, operator, left, right)
        elif operator == "-" and isinstance(left, date) and isinstance(right, date):
            return left - right
        raise LimitExceeded(f"{operator} is not allowed in a template, or not with these values")

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        """Macros, and functions and methods of the list."""
        if type(__obj) is not Macro:
            permitted.check_callable(__obj)
            weigh([*args, *kwargs.values()])
            if isinstance(owner := getattr(__obj, "__self__", None), str | list | tuple):
                weigh(owner)
            return super().call(__context, __obj, *args, **kwargs)
        meter.enter(__self._macros.get(__obj.name, _MACRO))
        try:
            return __context.call(__obj, *args, **kwargs)
        finally:
            meter.leave()

    def concat(self, pieces: Iterable[str]) -> str:
        """Pieces of a page as one."""
        # Each has been counted: they come to some megabytes at most.
        text = "".join(pieces)
        return sized(text) if len(text) > meter.SHORT else text

    def printed(self, value: Any) -> str:
        """A value as it stands in plain text."""
        return sized(str(value) if isinstance(value, str) else _text(value))

    def escaped(self, value: Any) -> str:
        """A value as it stands in a page."""
        return sized(escaped(value if isinstance(value, str) else _text(value)))

    def joined(self, markup: bool, parts: Sequence[Any]) -> str:
        """What ``~`` makes of its operands."""
        for part in parts:
            if type(part) not in _TEXTS:
                parts = [one if isinstance(one, str) else _text(one) for one in parts]
                break
        charge_text(sum(map(len, parts)))
        return markup_join(parts) if markup else "".join(parts)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > limits.COMPILED:
            raise TemplateSyntaxError(f"has more than {limits.COMPILED} characters", 1, name)
        try:
            tree = super()._parse(source, name, filename)
        except (RecursionError, ValueError) as error:
            what = "is nested too deep" if isinstance(error, RecursionError) else str(error)
            raise TemplateSyntaxError(what, 1, name) from None
        check_size(tree)
        return tree

    def _generate(
        self, source: nodes.Template, name: Any, filename: Any, defer_init: bool = False
    ) -> str:
        return super()._generate(Counted(self._macros).visit(source), name, filename, defer_init)


def _text(value: Any) -> str:
    if isinstance(value, _LISTS):
        weigh(value)
    elif not isinstance(value, _PRINTED):
        raise LimitExceeded(f"prints a {type(value).__name__}, which is no text")
    return str(value)
