"""Refuse modules of more than 400 lines and functions of more than 45."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_MODULE = 400
LONGEST_FUNCTION = 45
ROOMS = ("notifier", "workers", "tests", "scripts")
FROZEN = "migrations/versions"  # never changed once they have run somewhere


def too_long(path: Path) -> Iterator[str]:
    """A line for everything in a module that is too long."""
    source = path.read_text()
    lines = source.count("\n")
    if lines > LONGEST_MODULE:
        yield f"{path}: {lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines"


def main() -> int:
    """Print what is too long; 1 if anything is."""
    paths = [path for room in ROOMS for path in sorted(Path(room).rglob("*.py"))]
    found = [line for path in paths if FROZEN not in str(path) for line in too_long(path)]
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
