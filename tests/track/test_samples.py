"""How well all samples are read together. A reader of RFC 3464 alone finds half the recipients."""

import pytest

from tests.track.readers import ours, plain
from tests.track.score import score

#: Parts that must be right. The reader was mended against these very mails: it is held to them.
FLOORS = {"recipients": 0.995, "kind": 0.99, "reason": 0.985, "hard": 0.99, "status": 0.99}


@pytest.mark.parametrize("aspect", FLOORS)
def test_the_samples_are_read(aspect: str) -> None:
    total = score(ours)[""]
    assert total.rate(aspect) >= FLOORS[aspect], total.misses


def test_fields_alone_do_not_do() -> None:
    assert score(plain)[""].rate("recipients") < 0.6
