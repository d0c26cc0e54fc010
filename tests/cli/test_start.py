"""What a verb loads before it has anything to do."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.engine

#: Each takes longer to load than Python takes to start.
_HEAVY = (
    "alembic", "argon2", "arq", "asyncpg", "asyncssh", "babel", "cryptography", "fastapi",
    "fontTools", "jinja2", "mjml", "pydantic", "pyotp", "redis", "rich", "sqlalchemy", "structlog",
    "typst", "uvicorn",
)  # fmt: skip
#: What a verb that only reads the record does without.
_NOT_FOR_READING = (
    "alembic", "argon2", "arq", "asyncssh", "cryptography", "fastapi", "fontTools", "jinja2",
    "mjml", "pyotp", "redis", "structlog", "typst", "uvicorn",
)  # fmt: skip


def _loaded(program: str) -> set[str]:
    """Return what is loaded once a program has run, packages only."""
    shown = "import sys; print('loaded', *{name.partition('.')[0] for name in sys.modules})"
    code = f"import sys\ntry:\n    {program}\nexcept SystemExit:\n    pass\n{shown}"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy() -> None:
    loaded = _loaded("sys.argv = ['notifier', '--help']; from notifier.cli import main; main()")
    assert "typer" in loaded
    assert not loaded & set(_HEAVY)


def test_a_verb_on_the_record_loads_what_it_needs() -> None:
    loaded = _loaded("import notifier.cli.tasks, notifier.cli.cases")
    assert "sqlalchemy" in loaded
    assert not loaded & set(_NOT_FOR_READING)
