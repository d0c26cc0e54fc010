"""The terminal as a person has it: ``notifier`` in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from notifier.runtime.clock import turn
from notifier.runtime.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The variables that say to a process what ``settings`` say."""
    [relay] = settings.relays
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "NOTIFIER_VAR": str(settings.var),
        "NOTIFIER_DATABASE_URL": settings.database_url or "",
        "NOTIFIER_REDIS_URL": settings.redis_url or "",
        "NOTIFIER_RELAY_HOST": relay.host,
        "NOTIFIER_RELAY_PORT": str(relay.port),
        "NOTIFIER_RELAY_TLS": "none",
        "NOTIFIER_CLOCK_FILE": str(settings.var / "clock"),
        **more,
    }


class Terminal:
    """Runs verbs on the house of ``settings``, at a time of day that the test says."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        settings.var.mkdir(exist_ok=True)
        self.settings = settings
        self.set_time(now)

    def set_time(self, now: datetime) -> None:
        turn(self.settings.var / "clock", now - datetime.now(UTC))

    def __call__(
        self, *words: str, given: bytes = b"", code: int = 0, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a verb; its output, standard error after standard output.

        It must end with ``code``, and never with a traceback.
        """
        done = subprocess.run(
            [sys.executable, "-m", "notifier.cli", *words],
            check=False,
            input=given,
            capture_output=True,
            env=environment(self.settings, **(env or {})),
        )
        said = (done.stdout + done.stderr).decode()
        assert "Traceback" not in said
        assert done.returncode == code, said
        return said
