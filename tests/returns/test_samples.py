"""How well all samples are read together. A reader of RFC 3464 alone finds half the recipients."""

from pathlib import Path
from typing import Final

import pytest

from tests.returns.collection import SAMPLES, Sample, samples
from tests.returns.readers import ours, plain
from tests.returns.score import score

_HERE: Final = Path(__file__).parent
#: Parts that must be right, by set. The reader was mended against all of these mails by now: it is
#: held to what it reads of them. How much it read at first sight is in ``docs/reading.md``.
FLOORS: Final[dict[str, dict[str, float]]] = {
    "written": {"recipients": 0.995, "kind": 0.99, "reason": 0.985, "hard": 0.99, "status": 0.99},
    "generated": {"recipients": 1, "kind": 1, "reason": 1, "hard": 1, "status": 0.99},
    "heldout": {"recipients": 0.98, "kind": 0.97, "reason": 0.98, "hard": 0.97, "status": 0.97},
    "further": {"recipients": 1, "kind": 1, "reason": 1, "hard": 1, "status": 1},
}


def _of(name: str) -> list[Sample]:
    if (_HERE / name).is_dir():
        return samples(_HERE / name)
    return [one for one in samples(SAMPLES) if one.file.startswith(f"{name}/")]


@pytest.mark.parametrize("name", FLOORS)
def test_the_samples_are_read(name: str) -> None:
    total = score(ours, _of(name))[""]
    for aspect, floor in FLOORS[name].items():
        assert total.rate(aspect) >= floor, (aspect, total.misses)


def test_fields_alone_do_not_do() -> None:
    assert score(plain, _of("written"))[""].rate("recipients") < 0.6
