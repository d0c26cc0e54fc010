"""What templates may use of Jinja: an allow-list, each filter and test within limits.

The check refuses everything else where it stands in a source; the sandbox refuses it, whatever was
checked, when a message reaches it.
"""

from collections.abc import Callable, Mapping
from datetime import date
from types import BuiltinMethodType, MethodType
from typing import Any, Final

from jinja2 import nodes, pass_eval_context
from jinja2.filters import do_replace, sync_do_join
from jinja2.nodes import EvalContext
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace
from markupsafe import Markup

from notifier.rendering.errors import LimitExceeded
from notifier.rendering.text import limits
from notifier.rendering.text.limits import SHORT, charge, charge_text, weigh

#: Filters of Jinja; those of ours are added where they are made.
FILTERS: Final = frozenset(
    {
        "abs", "count", "d", "default", "e", "escape", "first", "join", "last", "length", "lower",
        "max", "min", "replace", "trim", "upper",
    }
)  # fmt: skip
TESTS: Final = frozenset(
    {
        "boolean", "defined", "divisibleby", "even", "false", "in", "integer", "mapping", "none",
        "number", "odd", "sequence", "string", "true", "undefined", "==", "!=", "<", "<=", ">",
        ">=", "eq", "equalto", "ge", "greaterthan", "gt", "le", "lessthan", "lt", "ne",
    }
)  # fmt: skip
#: Functions by name.
GLOBALS: Final = frozenset({"dict", "namespace", "range"})
#: Methods by the type that they are of: none makes more than it is given, or takes a format.
METHODS: Final[Mapping[type, frozenset[str]]] = {
    str: frozenset(
        {
            "count", "endswith", "find", "isdigit", "lower", "lstrip", "partition", "removeprefix",
            "removesuffix", "rpartition", "rstrip", "split", "splitlines", "startswith", "strip",
            "upper",
        }
    ),
    dict: frozenset({"copy", "get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
    date: frozenset({"isoformat", "isoweekday", "weekday"}),
    LoopContext: frozenset({"changed", "cycle"}),
}  # fmt: skip
ALL_METHODS: Final = frozenset[str]().union(*METHODS.values())
#: The same, as it is found nearly always.
_KNOWN: Final = frozenset((kind, name) for kind, names in METHODS.items() for name in names)
#: Operators that the sandbox works out itself.
OPERATORS: Final = frozenset({"+", "-", "*", "/", "//", "%", "**"})
#: What a template may be made of.
NODES: Final = frozenset(
    {
        nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Macro,
        nodes.With, nodes.FilterBlock, nodes.CallBlock, nodes.Include, nodes.Import,
        nodes.FromImport, nodes.Assign, nodes.AssignBlock, nodes.Name, nodes.NSRef, nodes.Const,
        nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.Keyword, nodes.CondExpr,
        nodes.Filter, nodes.Test, nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice,
        nodes.Concat, nodes.Compare, nodes.Operand, nodes.Add, nodes.Sub, nodes.Div,
        nodes.FloorDiv, nodes.Mod, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos,
    }
)  # fmt: skip


def bounded_range(*args: int) -> range:
    """``range``, for a few numbers. Raises :class:`LimitExceeded`."""
    made = range(*args)
    if len(made) > limits.RANGE:
        raise LimitExceeded(f"counts further than {limits.RANGE}")
    return made


#: What is called as it is.
FUNCTIONS: Final[Mapping[str, Any]] = {
    "dict": dict,
    "namespace": Namespace,
    "range": bounded_range,
}


def check_callable(found: Any) -> None:
    """Raise :class:`LimitExceeded` for a function or method that is not in the list."""
    if found is Namespace or found is dict or found is bounded_range:
        return
    owner = getattr(found, "__self__", None)
    if (type(owner), getattr(found, "__name__", "")) in _KNOWN:
        return
    name = str(getattr(found, "__name__", "") or type(found).__name__)
    is_method = isinstance(found, BuiltinMethodType | MethodType)
    if is_method and any(isinstance(owner, k) and name in known for k, known in METHODS.items()):
        return
    raise LimitExceeded(f"calls {name[:40]}, which is not allowed")


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
        name: _filter(name, one) if name in FILTERS else _refused(f"the filter {name}")
        for name, one in known.items()
    }
    return found | {"join": _join, "replace": _replace}


def tests(known: Mapping[str, Any]) -> dict[str, Any]:
    """Jinja's own tests by name."""
    return {
        name: _test(name, one) if name in TESTS else _refused(f"the test {name}")
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
