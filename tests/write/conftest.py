"""One writer over the real templates."""

from pathlib import Path

import pytest

from notifier.write import Writer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def templates() -> Path:
    return ROOT / "templates"


@pytest.fixture(scope="session")
def writer(templates: Path) -> Writer:
    return Writer(templates)
