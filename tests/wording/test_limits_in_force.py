"""A version without bounds in force, as an older release may have published it."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.printing.collect import collect
from notifier.rendering.folder import of_files
from notifier.rendering.lint import Severity
from notifier.rendering.publication import check
from notifier.runtime.settings import Settings
from tests.delivery.rig import ACTOR, Rig
from tests.delivery.test_processes import process
from tests.samples import WRITER
from tests.wording.desk import LOGIN, Desk

_WITHOUT_END = '{% for a in range(100) %}{% for b in range(100) %}{{ "x" ~ a ~ b }}' * 2
_WORDS = f"""
{{% if recipient.name == "汐見 誰" %}}
{{% set closing %}}{_WITHOUT_END}{"{% endfor %}" * 4}{{% endset %}}
{{% endif %}}
"""
_TYPST = """
#letter
#if data.to.name == "汐見 誰" { range(1000000000) }
"""


@pytest.fixture
def real(rig: Rig, settings: Settings) -> Rig:
    """A rig for processes of their own, whose clock is the machine's."""
    rig.time = datetime.now(UTC)
    rig.var = settings.var
    return rig


async def _put_in_force(rig: Rig, changed: Mapping[str, str]) -> None:
    """A version of the refund notice on record as published, whatever a check says of it."""
    shipped = WRITER.folders["ja", "refund"]
    folder = of_files("ja", "refund", {**shipped.files, **changed})
    assert any(one.severity is Severity.ERROR for one in check(WRITER, folder))
    given = {"digest": folder.digest, "now": rig.time}
    await rig.run(
        """INSERT INTO template_versions (digest, notice, language, content, registered_at)
           VALUES (:digest, 'refund', 'ja', :content, :now)""",
        content=folder.content,
        **given,
    )
    await rig.run(
        """INSERT INTO template_publications
               (language, notice, digest, replaces, published_at, published_by, note)
           VALUES ('ja', 'refund', :digest, :digest, :now, :by, '')""",
        by=LOGIN,
        **given,
    )


async def test_a_worker_holds_what_has_no_end_and_sends_the_rest(
    real: Rig, desk: Desk, settings: Settings
) -> None:
    """And SIGTERM ends it in the middle of that."""
    words = WRITER.folders["ja", "refund"].files["refund/words.txt"]
    await _put_in_force(real, {"refund/words.txt": words + _WORDS})
    fine, odd = await real.register(), await real.register(name="汐見 誰")
    endless = [await real.send(to=odd) for _ in range(12)]
    others = [await real.send(to=fine) for _ in range(6)]
    async with process(settings) as worker:
        await real.until(endless[0], State.HELD)
        worker.terminate()
        assert await worker.wait() == 0
    async with process(settings) as worker:
        for one in others:
            await real.until(one, State.SENT)
        for one in endless:
            await real.until(one, State.HELD)
        worker.terminate()
        assert await worker.wait() == 0
    assert {await real.state(one) for one in endless} == {("held", Reason.RENDER_LIMIT)}
    assert await real.tasks() == [("held_message", 12)]
    [found] = await real.rows("SELECT details FROM tasks")
    assert found["details"]["field"] == "refund/words.txt"


async def test_a_batch_goes_without_the_letter_that_wants_all_memory(rig: Rig, desk: Desk) -> None:
    await _put_in_force(rig, {"refund/letter.typ": _TYPST})
    odd = await rig.send(to=await rig.register(name="汐見 誰"), channel=Channel.LETTER)
    fine = await rig.send(channel=Channel.LETTER)
    batch = await collect(rig.room(), actor=ACTOR)
    assert batch is not None
    assert (batch.pieces, batch.held) == (1, 1)
    assert await rig.state(odd) == ("held", Reason.RENDER_LIMIT)
    assert (await rig.state(fine))[0] == "printed"
    assert await rig.tasks() == [("held_message", 1)]
