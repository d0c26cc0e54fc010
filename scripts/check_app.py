"""Refuse transactions outside the packages that own them, and the record in what people touch.

Entry points parse, call one use case of ``notifier.app``, and show what it returned.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

#: Engines of their own, beside the use cases.
MAY_OPEN = ("app", "delivery", "printing", "returns", "webhooks", "runtime")
#: Packages that see what use cases return, and never the record.
ENTRANCES = ("cli", "api", "console")
#: What may open a transaction besides, and why.
ALLOWED = {
    "store/db.py": "runs a unit of work again that lost against another",
    "store/horizon.py": "reads the newest position on a connection that commits by itself",
    "store/batches.py": "holds the lock of the press on a connection of its own",
    "store/migrate.py": "migrations are outside of any use case",
    "demo": "stands above the use cases and plays the world around them",
}
#: What an entrance may import of it: what an error of the database means, which is no record.
JUDGES = "notifier.store.failures"
_OPENS = ("begin", "connect")
_ENGINES = ("engine", "_engine", "empty")


def problems(path: Path, root: Path) -> Iterator[str]:
    """Yield a line for everything in a module that belongs elsewhere."""
    name = path.relative_to(root).as_posix()
    package = name.partition("/")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if _opens(node) and not (package in MAY_OPEN or package in ALLOWED or name in ALLOWED):
            yield f"{path}:{_line(node)}: a transaction is opened outside notifier.app"
        if package in ENTRANCES and _imports_record(node):
            yield f"{path}:{_line(node)}: {package} imports the record; call a use case"


def _line(node: ast.AST) -> int:
    return int(getattr(node, "lineno", 0))


def _opens(node: ast.AST) -> bool:
    """Whether it is ``engine.begin()``, ``parts.engine.connect()`` or the like."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    engine = node.func.value
    named = engine.attr if isinstance(engine, ast.Attribute) else getattr(engine, "id", "")
    return node.func.attr in _OPENS and named in _ENGINES


def _imports_record(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if module == JUDGES:
            return False
        inside = module == "notifier" and any(n.name == "store" for n in node.names)
        return inside or module.split(".")[:2] == ["notifier", "store"]
    return isinstance(node, ast.Import) and any(
        n.name.split(".")[:2] == ["notifier", "store"] for n in node.names
    )


def main(root: Path = Path("notifier")) -> int:
    """Print what belongs elsewhere; 1 if anything does."""
    found = [line for path in sorted(root.rglob("*.py")) for line in problems(path, root)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
