"""A terminal on a house of the test's own."""

import pytest

from notifier.runtime.settings import Settings
from tests.cli.terminal import Terminal
from tests.samples import NOW


@pytest.fixture
def notifier(settings: Settings) -> Terminal:
    """Runs ``notifier``; it is the morning of 16 July 2025."""
    return Terminal(settings, NOW)
