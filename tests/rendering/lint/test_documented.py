"""What is written about lint is what lint does."""

import re
from pathlib import Path

from notifier.rendering.folder import Folder, folders_in
from notifier.rendering.labels import DEFAULT_LANGUAGE
from notifier.rendering.lint.proofs import Proof, Proofs
from notifier.rendering.lint.reading import figures, prose

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs" / "lint.md").read_text()
CATALOGUE = (ROOT / "locales" / DEFAULT_LANGUAGE / "LC_MESSAGES" / "notifier.po").read_text()
#: Of a publication, and the heading of a list.
_OTHERS = {"policy_changed", "unknown_notice", "field_changed", "found"}


def test_every_rule_is_in_the_table() -> None:
    cells = re.findall(r"^\| (`.*?`) \|", TEXT, re.MULTILINE)
    told = {rule for cell in cells for rule in re.findall(r"`(\w+)`", cell)}
    assert told == {*re.findall(r'^msgid "lint\.(\w+)"', CATALOGUE, re.MULTILINE)} - _OTHERS


def test_the_figures_are_those_of_the_notices(templates: Path) -> None:
    told = re.findall(r"^\| (\w+ \w+ \| (?:email|letter) \| .*) \|$", TEXT, re.MULTILINE)
    folders = [f for f in folders_in(templates).values() if isinstance(f, Folder)]
    plain = [(f, p) for f in folders for p in Proofs(f).proofs if p.is_plain]
    assert sorted(told) == sorted(_row(f, p) for f, p in plain)


def _row(folder: Folder, proof: Proof) -> str:
    found = figures(prose(proof.words))
    cells = [
        f"{folder.notice.name} {proof.step}",
        str(proof.channel),
        str(found.sentences),
        f"{found.mean_sentence:.1f}",
        str(found.longest_sentence),
        f"{found.kanji_share:.2f}",
        *map(str, (found.kanji_run, found.passives, found.doubled, found.negations)),
    ]
    return " | ".join(cells)
