"""Named samples: merged, checked, and every one of them can be written in every channel."""

import json
import shutil
from pathlib import Path

import pytest

from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.samples import PLAIN
from notifier.rendering.writer import Writer
from tests.samples import WRITER

ALL = [
    (notice.name, step, name)
    for notice in WRITER.notices.values()
    for step in notice.steps
    for name in WRITER.samples(notice.name, step)
]


def test_the_plain_one_comes_first() -> None:
    for notice in WRITER.notices.values():
        for step in notice.steps:
            samples = WRITER.samples(notice.name, step)
            assert next(iter(samples)) == PLAIN
            assert WRITER.sample(notice.name, step) == samples[PLAIN]


def test_a_variant_is_the_base_the_notice_and_its_own() -> None:
    plain, longest = (WRITER.samples("card_error", "first")[n] for n in (PLAIN, "longest"))
    assert longest.recipient.email == plain.recipient.email  # objects are merged
    assert longest.recipient.name != plain.recipient.name  # of the base's variant
    assert longest.facts["total"] == 109_999_998  # of the notice's
    assert longest.facts["deadline"] == plain.facts["deadline"]
    assert len(longest.policies) == 6  # lists are replaced


@pytest.mark.parametrize(("notice", "step", "name"), ALL)
def test_every_sample_can_be_written(notice: str, step: str, name: str) -> None:
    c = WRITER.samples(notice, step)[name]
    channels = WRITER.notices[notice].channels
    if "email" in channels:
        assert c.recipient.name in WRITER.mail(c, token="t", message_id="a@b.example.jp").text
    if "letter" in channels:
        assert WRITER.letter(c).pages <= 3


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"steps": {"first": {"premium": "1"}}}, "variants.odd.steps.first.premium"),
        ({"steps": {"first": {}}, "recipient": {"nick": "x"}}, "variants.odd"),
    ],
)
def test_a_wrong_variant_is_named(
    templates: Path, tmp_path: Path, change: dict[str, object], key: str
) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    path = copy / "ja" / "card_error" / "sample.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"variants": {"odd": change}}))
    with pytest.raises(BadTemplate) as caught:
        Writer(copy)
    assert (caught.value.file, caught.value.key) == ("card_error/sample.json", key)


def test_an_unknown_step() -> None:
    with pytest.raises(WriteError, match="step"):
        WRITER.samples("card_error", "none")
