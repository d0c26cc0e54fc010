"""Running templates on slots, and noticing wherever one looks at what a value is."""

from collections.abc import Callable, Mapping, ValuesView
from functools import partial
from typing import Any, Final

from jinja2 import nodes
from jinja2.runtime import Macro
from jinja2.visitor import NodeTransformer

from notifier.rendering.errors import WriteError
from notifier.rendering.text.counting import INTERNAL
from notifier.rendering.text.forms import JAPANESE, Forms
from notifier.rendering.text.sandbox import Sandbox, flat, unbroken
from notifier.rendering.text.slots import Amount, observe

#: What passes text on as it is (nothing that may be a link is filled into a slot), and tests that
#: say nothing of a value.
_ESCAPES: Final = frozenset({"escape", "e"})
_FILTERS: Final = _ESCAPES | {"join", "default", "d", "paragraphs", "linked"}
_TESTS: Final = frozenset({"defined", "undefined", "none"})
_OBSERVE: Final = "observe"
_OBSERVE_TEXT: Final = "observe_text"
_OBSERVE_OTHER: Final = "observe_other"
_ADDED: Final = (str, list, tuple)
_LOOKUPS: Final = frozenset({"get", "keys", "values", "items", "copy"})  # of an entry, or of all


class Tracing(Sandbox):
    """A sandbox in which slots may be passed on, joined and printed, and nothing else.

    That text is there may be asked (an empty value is never a slot). Comparing, indexing, slicing,
    going through its characters, and filters, tests and calls that might look at it, raise
    :class:`Observed`.
    """

    def __init__(
        self,
        files: Mapping[str, str],
        *,
        escape: bool,
        filters: Mapping[str, Any],
        forms: Forms = JAPANESE,
    ) -> None:
        super().__init__(files, escape=escape, filters=filters, forms=forms)
        yen = self.filters["yen"]
        # In plain text to escape is to change a value.
        passing = _FILTERS if escape else _FILTERS - _ESCAPES
        self.filters = {
            name: _passing(found) if name in passing else _observing(found)
            for name, found in self.filters.items()
        }
        self.filters |= {
            "yen": partial(_amount, yen, unbroken if escape else str),
            "flat": flat,  # looks at no more than how many there are
            **INTERNAL,
            _OBSERVE: observe,
            _OBSERVE_TEXT: _observe_text,
            _OBSERVE_OTHER: _observe_other,
        }
        self.tests = {
            name: found if name in _TESTS else _observing(found)
            for name, found in self.tests.items()
        }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        found: nodes.Template = _Watch().visit(super()._parse(source, name, filename))
        return found

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, str | Amount):
            observe(obj)
        return super().getitem(obj, observe(argument))

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, str | Amount):
            observe(obj)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        joins = operator == "+" and isinstance(left, _ADDED) and isinstance(right, _ADDED)
        if not joins:
            observe([left, right])
        return super().call_binop(context, operator, left, right)

    def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        if not isinstance(__obj, Macro):
            observe([*args, *kwargs.values()])
            if getattr(__obj, "__name__", "") not in _LOOKUPS:
                observe(getattr(__obj, "__self__", None))  # such as ``list.count``
        return super().call(__context, __obj, *args, **kwargs)


class _Watch(NodeTransformer):
    """Has everything observed that the environment is not asked about."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 (of the library)
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _OBSERVE_TEXT)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _filtered(node.expr)
        for operand in node.ops:
            operand.expr = _filtered(operand.expr)
        return node

    def visit_Assign(self, node: nodes.Assign) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.target, nodes.Tuple):
            node.node = _filtered(node.node, _OBSERVE_TEXT)
        return node

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if node.dyn_args is not None:
            node.dyn_args = _filtered(node.dyn_args, _OBSERVE_TEXT)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [_filtered(one, _OBSERVE_OTHER) for one in node.nodes]
        return node

    def visit_Output(self, node: nodes.Output) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.nodes = [
            one if isinstance(one, nodes.TemplateData) else _filtered(one, _OBSERVE_OTHER)
            for one in node.nodes
        ]
        return node

    def visit_ScopedEvalContextModifier(self, _: nodes.Node) -> nodes.Node:  # noqa: N802
        raise WriteError("template", "autoescape changes what becomes of a value")

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filtered(node.node)
        return node


def _filtered(node: nodes.Node, name: str = _OBSERVE) -> nodes.Expr:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _observe_text(value: Any) -> Any:
    return observe(value) if isinstance(value, str) else value


def _observe_other(value: Any) -> Any:
    """What is no text is printed as Python writes it."""
    return value if isinstance(value, str) else observe(value)


def _passing(found: Any) -> Callable[..., Any]:
    """A filter that passes text on, and what is within a list."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()):
            for item in value if isinstance(value, list | tuple | ValuesView) else ():
                _observe_other(item)
        return found(*args, **kwargs)

    guarded.__dict__.update(getattr(found, "__dict__", {}))
    return guarded


def _observing(found: Any) -> Callable[..., Any]:
    """A filter or test that may not be given a slot."""

    def guarded(*args: Any, **kwargs: Any) -> Any:
        observe([*args, *kwargs.values()])
        return found(*args, **kwargs)

    # Jinja reads from the function whether it wants the context or the environment first.
    guarded.__dict__.update(getattr(found, "__dict__", {}))
    return guarded


def _amount(yen: Callable[[Any], str], printed: Callable[[str], str], value: Any) -> str:
    return printed(value.printed) if isinstance(value, Amount) else yen(value)
