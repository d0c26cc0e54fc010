"""The notices that come with the program have no errors."""

from pathlib import Path

from notifier.rendering.lint import Severity, lint_folders


def test_the_shipped_notices_have_no_errors(templates: Path) -> None:
    assert not [one for one in lint_folders(templates) if one.severity is Severity.ERROR]
