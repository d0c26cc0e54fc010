"""Letters on their way to the press, and what tests ask of a batch."""

import csv
import io
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pypdf import PdfReader

from notifier.model.member import PostalAddress
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.printing.collect import Batch, collect
from notifier.printing.handover import HandedOver, hand_over
from notifier.printing.target import Target
from notifier.store import messages
from notifier.store.messages import Move
from tests.delivery.rig import ACTOR, Rig
from tests.samples import ADDRESS

#: From the north to the south, by postcode.
TOWNS = (
    ADDRESS,
    PostalAddress(postcode="1500001", prefecture="東京都", city="渋谷区", street="神宮前9-9-9"),
    PostalAddress(postcode="9000001", prefecture="沖縄県", city="那覇市", street="港町9-9"),
)


class Letters(Rig):
    """A rig whose messages are letters."""

    async def post(self, count: int = 1, **more: Any) -> list[int]:
        """Queued letters to members in several towns; their ids."""
        made = []
        for n in range(count):
            to = await self.register(address=TOWNS[-(n % len(TOWNS)) - 1], name=f"潮田 凪{n}")
            made.append(await self.send(channel=Channel.LETTER, to=to, **more))
        return made

    async def collect(self, **press: Any) -> Batch:
        """A batch of what waits."""
        batch = await collect(self.room(**press), actor=ACTOR)
        assert batch is not None
        return batch

    async def hand_over(self, batch: Batch, target: Target | None = None) -> HandedOver:
        """Give a batch to the press."""
        return await hand_over(self.room(), batch.batch_id, target, actor=ACTOR)

    async def stop(self, message_id: int) -> None:
        """A letter is cancelled, as when its member has paid."""
        async with self.engine.begin() as conn:
            asked = [Move(message_id=message_id, after=State.CANCELLED, reason=Reason.REREGISTERED)]
            assert await messages.move(conn, asked, actor=ACTOR, now=self.time) == [message_id]

    async def batch_state(self, batch: Batch) -> tuple[str, str]:
        """State and folder."""
        [found] = await self.rows(
            "SELECT state, folder FROM batches WHERE batch_id = :id", id=batch.batch_id
        )
        return found["state"], found["folder"]

    async def folder(self, batch: Batch) -> Path:
        """Where it stands now."""
        return self.room().folder / (await self.batch_state(batch))[1]


def listed(folder: Path) -> list[dict[str, str]]:
    """The manifest."""
    text = (folder / "manifest.csv").read_bytes().decode("utf-8-sig")
    return [*csv.DictReader(io.StringIO(text))]


def sound(path: Path) -> None:
    """A PDF that is in order."""
    subprocess.run(["qpdf", "--check", path], check=True, capture_output=True)


def check(folder: Path, ids: Sequence[int]) -> None:
    """All that a press could check: hashes, counts, and every letter where the manifest says it is.

    Page by page, with a reader that is none of ours.
    """
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    rows = listed(folder)
    assert sorted(row["番号"] for row in rows) == sorted(public_number(i) for i in ids)
    assert [row["通番"] for row in rows] == [str(n + 1) for n in range(len(rows))]
    assert [row["〒"] for row in rows] == sorted(row["〒"] for row in rows)
    by_file: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_file.setdefault(row["ファイル"], []).append(row)
    assert {p.name for p in folder.glob("*.pdf")} == by_file.keys()
    for name, of_file in by_file.items():
        pages = [p.extract_text() for p in PdfReader(folder / name).pages]
        at = 0
        for row in of_file:
            assert int(row["先頭ページ"]) == at + 1
            assert row["番号"] in pages[at]
            assert "".join(row["宛名"].split()) in "".join(pages[at].split())
            at += int(row["ページ数"])
        assert at == len(pages)
