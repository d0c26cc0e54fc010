"""How the readers of letters are addressed."""

from pypdf import PdfReader

from notifier.model.states import Channel
from tests.printing.letters import Letters, check, listed


async def test_organisations_are_addressed_as_such(letters: Letters) -> None:
    given = (
        {"name": "株式会社みほん"},
        {"name": "なぎさ会", "organisation": True},
        {"name": "潮田 凪"},
    )
    ids = [
        await letters.send(channel=Channel.LETTER, to=await letters.register(**more))
        for more in given
    ]
    batch = await letters.collect()
    check(batch.folder, ids)  # the manifest's names stand on the pages
    named = {row["宛名"] for row in listed(batch.folder)}
    assert named == {"株式会社みほん 御中", "なぎさ会 御中", "潮田 凪 様"}
    [file] = batch.folder.glob("*.pdf")
    text = "".join(page.extract_text() for page in PdfReader(file).pages)
    assert "みほん様" not in text.replace(" ", "")
    assert "みほん御中" in text.replace(" ", "").replace("\n", "")
