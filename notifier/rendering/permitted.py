"""What templates may use of Jinja: an allow-list. Everything that is not here is refused.

The check refuses it where it stands in a source; the sandbox refuses it, whatever was checked, when
a message reaches it.
"""

from collections.abc import Mapping
from datetime import date
from types import BuiltinMethodType, MethodType
from typing import Any, Final

from jinja2 import nodes
from jinja2.runtime import LoopContext
from jinja2.utils import Namespace

from notifier.rendering import limits
from notifier.rendering.errors import LimitExceeded

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
