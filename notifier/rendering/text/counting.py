"""Counting: templates are compiled so that they count what they cost.

A loop is charged when it begins, for all of its rounds; so is a macro, an import and an include.
What may make something large (joining, adding, filters, what is printed) is charged by its size.
Between these a template can do no more than stands in it.
"""

from typing import Any, Final

from jinja2 import nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import TemplateSyntaxError
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from notifier.rendering.text import limits
from notifier.rendering.text.limits import SHORT, charge, charge_items, weigh

_EACH: Final = "each_counted"
_LOADED: Final = "loaded_counted"
_LOOKED: Final = "looked_counted"
_BITS: Final = 6  # 64 characters of a template are one unit
_LITERALS: Final = (nodes.Const, nodes.List, nodes.Tuple, nodes.Dict)


def check_size(tree: nodes.Template) -> None:
    """Raise TemplateSyntaxError for a template that is too large or too deep to be compiled."""
    todo: list[tuple[nodes.Node, int]] = [(tree, 1)]
    count = 0
    while todo:
        node, depth = todo.pop()
        count += 1
        if depth > limits.DEPTH:
            raise TemplateSyntaxError(f"is nested more than {limits.DEPTH} deep", node.lineno)
        if count > limits.NODES:
            raise TemplateSyntaxError(f"has more than {limits.NODES} parts", node.lineno)
        todo += [(child, depth + 1) for child in node.iter_child_nodes()]


class Counted(NodeTransformer):
    """Has a template counted; ``macros``: the weight of each by name, which is filled in."""

    def __init__(self, macros: dict[str, int]) -> None:
        self._macros = macros

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 (of the library)
        cost = nodes.Const(_weight(node))
        self.generic_visit(node)
        node.iter = _filtered(node.iter, _EACH, cost)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        self._macros[node.name] = max(_weight(node), self._macros.get(node.name, 0))
        self.generic_visit(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        self._macros["caller"] = max(_weight(node), self._macros.get("caller", 0))
        self.generic_visit(node)
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        first = node.expr
        for operand in node.ops:
            other = operand.expr
            if operand.op not in ("in", "notin") and isinstance(other, nodes.Const):
                continue  # no more of the first is looked at than there is of this
            if not isinstance(first, nodes.Const):
                node.expr = _filtered(first, _LOOKED)
            if not isinstance(other, _LITERALS):
                operand.expr = _filtered(other, _LOOKED)
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filtered(node.node, _LOOKED)
        return node

    def visit_Include(self, node: nodes.Include) -> nodes.Node:  # noqa: N802
        return self._load(node)

    def visit_Import(self, node: nodes.Import) -> nodes.Node:  # noqa: N802
        return self._load(node)

    def visit_FromImport(self, node: nodes.FromImport) -> nodes.Node:  # noqa: N802
        return self._load(node)

    def _load(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        node.template = _filtered(node.template, _LOADED)
        found: nodes.Node = node
        return found


class CountingGenerator(CodeGenerator):
    """Has what is printed and joined go through the environment, which counts it."""

    def _output_child_pre(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        """Short texts, which nearly all are, need no call of ours to be printed."""
        del node, finalize  # an environment of ours has none
        if frame.eval_ctx.volatile:
            how = "(environment.escaped if context.eval_ctx.autoescape else environment.printed)("
        else:
            how = (
                "(escape(_p) if type(_p := " if frame.eval_ctx.autoescape else "(_p if type(_p := "
            )
        self.write(how)

    def _output_child_post(
        self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo
    ) -> None:
        del node, finalize
        if frame.eval_ctx.volatile:
            self.write(")")
        else:
            kinds = "in _texts" if frame.eval_ctx.autoescape else "is str"
            how = "escaped" if frame.eval_ctx.autoescape else "printed"
            self.write(f") {kinds} and len(_p) <= {SHORT} else environment.{how}(_p))")

    def write_commons(self) -> None:
        """What the functions of a template have at hand."""
        super().write_commons()
        self.writeline("_texts = (str, Markup)")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        markup = (
            "context.eval_ctx.autoescape"
            if frame.eval_ctx.volatile
            else (str(bool(frame.eval_ctx.autoescape)))
        )
        self.write(f"environment.joined({markup}, (")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


@pass_context
def _each(_: Context, found: Any, cost: int) -> Any:
    """What a loop goes through, all of its rounds charged."""
    try:
        count = len(found)
    except TypeError:
        return _one_by_one(found, cost)
    charge(1 + cost * count)
    return found


def _one_by_one(found: Any, cost: int) -> Any:
    for one in found:
        charge(cost)
        yield one


@pass_context
def _looked(_: Context, found: Any) -> Any:
    """What is compared or cut, which may be large."""
    if isinstance(found, str):
        if len(found) > 1 << _BITS:
            charge(len(found) >> _BITS)
    elif isinstance(found, list | tuple | dict):
        charge_items(len(found))
        weigh(found)
    return found


@pass_context
def _loaded(context: Context, name: Any) -> Any:
    """A file that is run within another."""
    environment: Any = context.environment
    charge(1 + len(environment.files.get(name, "")) // 16 if isinstance(name, str) else 1)
    return name


#: The filters that :class:`Counted` puts in; no template can name them.
INTERNAL: Final[dict[str, Any]] = {_EACH: _each, _LOADED: _loaded, _LOOKED: _looked}


def _filtered(node: Any, name: str, *args: nodes.Expr) -> nodes.Expr:
    return nodes.Filter(node, name, [*args], [], None, None, lineno=node.lineno)


def _weight(node: nodes.Node) -> int:
    """Units that running all of a node once costs, but for what is charged when it runs."""
    total, todo = 0, [node]
    while todo:
        one = todo.pop()
        total += 1
        if isinstance(one, nodes.TemplateData):
            total += len(one.data) >> _BITS
        todo += one.iter_child_nodes()
    return total
