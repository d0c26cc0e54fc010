"""Exploring: every branch of a notice's templates is taken, whatever its condition says.

Samples take some branches; what stands in the others would run for the first time when a member's
letter takes it. Here conditions are answered one by one as no sample has answered them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jinja2 import nodes, pass_context
from jinja2.runtime import Context
from jinja2.visitor import NodeTransformer

from notifier.rendering.text.sandbox import Sandbox

_ASKED: Final = "asked_counted"
_MOST: Final = 600  # answers that are tried, so that checking comes to an end
#: A condition by file, line and how many have come before it; and what is answered.
Place = tuple[str, int, int]
Answer = tuple[Place, bool]


class Branches:
    """The conditions of a notice, how they were answered, and how they are to be."""

    def __init__(self) -> None:
        self.around: dict[Answer, tuple[Answer, ...]] = {}  # answer → those that lead there
        self.seen: set[Answer] = set()
        self.forced: Mapping[Place, bool] = {}

    def unseen(self) -> Iterator[tuple[Answer, Mapping[Place, bool]]]:
        """Answers that nothing has given yet, each with all that must be answered for it."""
        for answer, around in list(self.around.items())[:_MOST]:
            if answer not in self.seen:
                yield answer, dict([*around, answer])

    def sandbox(self, *args: Any, **kwargs: Any) -> Sandbox:
        """A sandbox that tells here what it takes."""
        return _Exploring(self, *args, **kwargs)


class _Exploring(Sandbox):
    def __init__(self, branches: Branches, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._branches = branches

        @pass_context
        def asked(_: Context, value: Any, file: str, line: int, number: int) -> bool:
            place = file, line, number
            known = branches.forced.get(place)
            answer = bool(value) if known is None else known
            branches.seen.add((place, answer))
            return answer

        self.filters[_ASKED] = asked

    def _generate(
        self, source: nodes.Template, name: Any, filename: Any, defer_init: bool = False
    ) -> str:
        found = _Asking(str(name), self._branches).visit(source)
        return super()._generate(found, name, filename, defer_init)


class _Asking(NodeTransformer):
    def __init__(self, name: str, branches: Branches) -> None:
        self._name, self._branches, self._count = name, branches, 0
        self._around: tuple[Answer, ...] = ()

    def visit_If(self, node: nodes.If) -> nodes.Node:  # noqa: N802 (of the library)
        outer = self._around
        for one in (node, *node.elif_):
            place = self._place(one)
            before = self._around
            one.test = self._asked(self.visit(one.test), place)
            self._around = (*before, (place, True))
            one.body = [self.visit(each) for each in one.body]
            self._around = (*before, (place, False))
        node.else_ = [self.visit(one) for one in node.else_]
        self._around = outer
        return node

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:  # noqa: N802
        place = self._place(node)
        self.generic_visit(node)
        node.test = self._asked(node.test, place)
        return node

    def _place(self, node: nodes.Node) -> Place:
        self._count += 1
        place = self._name, node.lineno, self._count
        for answer in (True, False):
            self._branches.around[place, answer] = self._around
        return place

    def _asked(self, test: nodes.Expr, place: Place) -> nodes.Expr:
        args = [nodes.Const(one) for one in place]
        return nodes.Filter(test, _ASKED, args, [], None, None, lineno=test.lineno)
