"""One writer over the real templates."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from notifier.model.correspondence import Correspondence
from notifier.rendering.writer import Writer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def _tidy() -> Iterator[None]:
    """Let go of a module's writers, each of which holds fonts of a hundred megabytes."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def templates() -> Path:
    return ROOT / "templates"


@pytest.fixture(scope="session")
def writer(templates: Path) -> Writer:
    return Writer(templates)


@pytest.fixture(scope="session")
def sample_refund(writer: Writer) -> Correspondence:
    return writer.sample("refund", "decided")


@pytest.fixture(scope="session")
def sample_leak(writer: Writer) -> Correspondence:
    return writer.sample("apology", "data_leak")
