"""What is read from the archive is what its hash says, or it is refused."""

import pytest

from notifier.archive.packing import document_of
from notifier.model.errors import Damaged
from notifier.model.states import State
from tests.delivery.rig import Rig

#: What may happen to the archived bytes of two attempts.
DAMAGES = {
    "changed places": """UPDATE documents d SET body = o.body, dictionary_id = o.dictionary_id
        FROM documents o WHERE o.attempt_id <> d.attempt_id""",
    "a bit": "UPDATE documents SET body = set_bit(body, 8 * length(body) - 20, 1 - get_bit(body, "
    "8 * length(body) - 20))",
    "cut off": "UPDATE documents SET body = substring(body FROM 1 FOR length(body) / 2)",
    "nothing": "UPDATE documents SET body = ''",
    "an unknown codec": "UPDATE documents SET codec = 'zip'",
    "without its dictionary": "UPDATE documents SET dictionary_id = NULL",
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_damaged_document_is_refused(rig: Rig, damage: str) -> None:
    ids = [await rig.send(to=await rig.register(name=name)) for name in ("潮田 凪", "見本 花子")]
    async with rig.at_work():
        for message_id in ids:
            await rig.until(message_id, State.SENT)
    [first, second] = [(await rig.attempts(i))[0]["attempt_id"] for i in ids]
    async with rig.engine.connect() as conn:
        assert await document_of(conn, first) != await document_of(conn, second)
    await rig.run(DAMAGES[damage])
    async with rig.engine.connect() as conn:
        for attempt in (first, second):
            with pytest.raises(Damaged, match=str(attempt)):
                await document_of(conn, attempt)
