"""Every verb stands in the one list of rights."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from notifier.cli.app import app
from notifier.cli.permissions import VERBS, asks_for_code
from notifier.model.role import RULES


def _verbs(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    if isinstance(command, typer.core.TyperGroup):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from _verbs(command.get_command(context, name), (*words, name))
    else:
        yield " ".join(words)


def test_every_verb_is_in_the_list_and_nothing_else() -> None:
    found = list(_verbs(typer.main.get_command(app)))
    assert set(found) - set(VERBS) == set(), "say in cli/permissions.py which right they need"
    assert set(VERBS) - set(found) == set()


def test_every_right_is_asked_for_somewhere() -> None:
    assert set(RULES) == {right for right in VERBS.values() if right is not None}


@pytest.mark.parametrize(
    "verb",
    [
        "messages release", "templates publish", "templates roll-back", "inquiries export",
        "suppressions export", "users grant", "users confirm", "users invite", "users reset",
        "keys new", "services new", "webhooks add",
    ],
)  # fmt: skip
def test_what_approves_releases_exports_or_grants_asks_for_a_code(verb: str) -> None:
    assert asks_for_code(verb)
