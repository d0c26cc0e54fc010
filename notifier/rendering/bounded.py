"""Filters and tests of Jinja that cannot take for ever: those of the list, each within limits."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2 import pass_eval_context
from jinja2.filters import do_replace, sync_do_join
from jinja2.nodes import EvalContext
from markupsafe import Markup

from notifier.rendering import limits, permitted
from notifier.rendering.errors import LimitExceeded
from notifier.rendering.meter import SHORT, charge, charge_text, weigh

_NOTHING_IN_IT: Final = frozenset({bool, int, float, type(None)})
_PHRASE: Final = 2  # units for a character: 4 µs
_AS_HTML: Final = 5  # characters that one may become: ``&#34;``
_LOOKS_AT_NOTHING: Final = frozenset({"d", "default", "length", "count", "first", "last"})
_TESTS_OF_TYPE: Final = frozenset(
    {"boolean", "defined", "false", "integer", "mapping", "none", "number", "sequence", "string",
     "true", "undefined"}
)  # fmt: skip


def filters(known: Mapping[str, Any]) -> dict[str, Any]:
    """Jinja's own by name; those that are not in the list refuse to work."""
    found = {
        name: _filter(name, one) if name in permitted.FILTERS else _refused(f"the filter {name}")
        for name, one in known.items()
    }
    return found | {"join": _join, "replace": _replace}


def tests(known: Mapping[str, Any]) -> dict[str, Any]:
    """Jinja's own tests by name."""
    return {
        name: _test(name, one) if name in permitted.TESTS else _refused(f"the test {name}")
        for name, one in known.items()
    }


def short(found: Callable[[str], str]) -> Callable[[str], str]:
    """A filter for a word or a number."""

    def bounded(text: str) -> str:
        if len(text) > limits.WORD:
            raise LimitExceeded(f"has a filter of words look at more than {limits.WORD}")
        return found(text)

    return bounded


def phrase(found: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that looks for the ends of phrases."""

    def bounded(text: Any, *args: Any) -> Any:
        if len(str(text)) > limits.PHRASE:
            raise LimitExceeded(f"cuts more than {limits.PHRASE} characters into phrases")
        charge(_PHRASE * len(str(text)))
        for one in (text, *args):
            weigh(one)
        return found(text, *args)

    return bounded


def of_one(found: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A filter of a value alone, that looks at all of it."""

    def bounded(value: Any) -> Any:
        if not isinstance(value, str):
            weigh(value)
        elif len(value) > SHORT:
            charge_text(len(value))
        return found(value)

    return bounded


def _filter(name: str, found: Any) -> Any:
    if name in _LOOKS_AT_NOTHING:
        return found
    return weighed(found)


def _test(name: str, found: Any) -> Any:
    return found if name in _TESTS_OF_TYPE else weighed(found)


def weighed(found: Any) -> Any:
    """A filter or test that looks at all that it is given, which is counted."""

    def bounded(*args: Any, **kwargs: Any) -> Any:
        for one in (*args, *kwargs.values()):
            if isinstance(one, str):
                charge_text(len(one))
            elif type(one) not in _NOTHING_IN_IT:
                weigh(one)
        return found(*args, **kwargs)

    # Jinja reads from the function whether it wants the context or the environment first.
    bounded.__dict__.update(getattr(found, "__dict__", {}))
    return bounded


def _refused(what: str) -> Callable[..., Any]:
    def refused(*_args: Any, **_kwargs: Any) -> Any:
        raise LimitExceeded(f"uses {what}, which is not allowed")

    return refused


@pass_eval_context
def _join(eval_ctx: EvalContext, value: Any, d: Any = "", attribute: Any = None) -> str:
    """Items as one text, its length reckoned before it is made."""
    items = value if isinstance(value, str | list | tuple | dict) else list(value)
    weigh(items)
    texts = [one if isinstance(one, str) else str(one) for one in items]
    worst = _AS_HTML if eval_ctx.autoescape else 1
    charge_text(sum(map(len, texts)) + max(0, len(texts) - 1) * len(str(d)) * worst)
    return sync_do_join(eval_ctx, items, d, attribute)


@pass_eval_context
def _replace(eval_ctx: EvalContext, s: Any, old: Any, new: Any, count: int | None = None) -> str:
    """A text with another in place of a part, its length reckoned before it is made."""
    for one in (s, old, new):
        weigh(one)
    text, part = str(s), str(old)
    places = text.count(part)
    markup = eval_ctx.autoescape and not all(isinstance(one, Markup) for one in (s, old, new))
    charge_text(len(text) + places * len(str(new)) * (_AS_HTML if markup else 1))
    return do_replace(eval_ctx, s, old, new, count)
