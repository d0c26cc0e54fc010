"""The member register as a file: the whole file or a list of every bad cell."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.intake.cohort_file import CohortLine, read_cohort
from notifier.intake.members_csv import MembersFile, read_members
from notifier.model.errors import BadInput
from notifier.model.member import Member
from notifier.model.states import Channel

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"
MEMBERS = (EXAMPLES / "members.csv").read_bytes()
SCHEMES = {"group-liability"}
HEAD = "会員番号,氏名,メールアドレス,郵便番号,都道府県,市区町村,町域番地,電話番号,制度,証券番号\n"


def read(text: str | bytes) -> list[Member]:
    raw = text.encode() if isinstance(text, str) else text
    return read_members(raw, SCHEMES).members


def told(text: str | bytes) -> list[tuple[int | None, str, str]]:
    with pytest.raises(BadInput) as caught:
        read(text)
    return [(e.line, e.field, e.code) for e in caught.value.errors]


def test_the_example() -> None:
    found = read_members(MEMBERS, SCHEMES)
    assert (found.encoding, len(found.members)) == ("utf-8", 3)
    first, second, third = found.members
    assert first.policies_in("group-liability") == ("P-0000101-1", "P-0000101-2")
    assert (first.channel, first.language) == (Channel.EMAIL, "ja")
    assert (second.name, second.email) == ("𠮷野 髙志", "t..yoshino.@docomo.example.jp")
    assert third.channel is Channel.LETTER
    assert third.address is not None
    assert third.address.postcode == "5300001"


PLAIN = MEMBERS.decode().replace("𠮷", "吉")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_encodings(encoding: str) -> None:
    found = read_members(PLAIN.encode(encoding), SCHEMES)
    assert found == MembersFile(read(PLAIN), encoding)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_refused(encoding: str) -> None:
    assert told(PLAIN.encode(encoding)) == [(None, "file", "utf16")]
    assert told("member_no,name\nM1,x\n".encode(encoding)) == [(None, "file", "utf16")]


def test_encodings_that_could_be_two_are_refused() -> None:
    euc = PLAIN.replace("髙", "高").replace("﨑", "崎").encode("euc_jp")
    assert told(euc)[0][2] == "bad_encoding"
    torn = MEMBERS.replace("志".encode(), "志".encode()[:2], 1)
    assert told(torn) == [(3, "file", "bad_encoding")]
    assert told(b"\xef\xbb\xbf" + PLAIN.encode("cp932"))[0][2] == "bad_encoding"


@pytest.mark.parametrize("raw", [b"", b"\n\n", b"\xef\xbb\xbf", b'"",""\n', b" , ,\n"])
def test_an_empty_file(raw: bytes) -> None:
    assert told(raw) == [(None, "file", "empty_file")]


def test_headings() -> None:
    assert told("会員番号,年齢,氏名,氏名\nM1,5,a,b\n") == [
        (1, "年齢", "unknown_column"),
        (1, "氏名", "given_twice"),
    ]
    assert told("メールアドレス\na@example.jp\n") == [(1, "会員番号", "missing_column")]
    assert told("会員番号,メール\nM1,a@example.jp\n") == [(1, "氏名", "missing_column")]
    assert read("ＭＥＭＢＥＲ＿ＮＯ, Name \nM1,青柳\n")[0].name == "青柳"
    assert told("会員番号,氏名\n") == [(None, "file", "no_rows")]


def test_every_bad_cell_is_named() -> None:
    rows = [
        "M1,青柳,a..b.@docomo.example.jp,〒１００−０００１,東京都,千代田区,1,,group-liability,P 2",
        ",青柳,nobody,123,東京都,,1-1,電話,other,P1",
        "M 2,,,,,,,,,P9",
        "",
        "M1,もう一度,,,,,,,,",
        "M3,短い",
        "M4,外字\ue000,,,,,,,group-liability,",
        'M5,"山田\n花子",,,,,,,group-liability,P1;P1',
    ]
    assert told(HEAD + "\n".join(rows)) == [
        (3, "会員番号", "missing"),
        (3, "メールアドレス", "bad_email"),
        (3, "郵便番号", "bad_postcode"),
        (3, "電話番号", "bad_format"),
        (3, "市区町村", "missing"),
        (3, "制度", "unknown_scheme"),
        (4, "会員番号", "bad_identifier"),
        (4, "氏名", "missing"),
        (4, "制度", "missing"),
        (6, "会員番号", "duplicate_in_file"),
        (7, "file", "wrong_columns"),
        (8, "氏名", "private_character"),
        (8, "証券番号", "missing"),
        (9, "氏名", "control_character"),
        (9, "証券番号", "given_twice"),
    ]


def test_lines_are_counted_across_quoted_breaks() -> None:
    text = '会員番号,氏名\nM1,"一\n二\n三"\nM2,\n'
    assert told(text) == [(2, "氏名", "control_character"), (5, "氏名", "missing")]
    assert told('会員番号,氏名\nM1,"開いたまま\n') == [(2, "file", "bad_csv")]


def test_a_formula_is_text() -> None:
    [found] = read("会員番号,氏名\nM1,\"=cmd|' /C calc'!A0\"\n")
    assert found.name == "=cmd|' /C calc'!A0"
    link = '会員番号,氏名\nM1,"=HYPERLINK(""https://example.jp"")"\n'
    assert told(link) == [(2, "氏名", "looks_like_link")]


def test_rare_characters_are_kept() -> None:
    name = "葛\U000e0100西 𠮷"
    assert read(f"会員番号,氏名\r\nM1,{name}\r\n")[0].name == name


def test_a_cohort() -> None:
    raw = (EXAMPLES / "leak-cohort.csv").read_bytes()
    assert read_cohort(raw)[0] == CohortLine("M000101", 2)
    assert [c.line for c in read_cohort("備考,member_no\nx,M1\n\ny,M2\n".encode("cp932"))] == [2, 4]


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", [(None, "file", "empty_file")]),
        ("会員番号\n", [(None, "file", "no_rows")]),
        ("氏名\n山田\n", [(1, "会員番号", "missing_column")]),
        ("会員番号,member_no\nM1,M1\n", [(1, "会員番号", "given_twice")]),
        (
            "備考,会員番号\nx,M1\nx\nx,M1\nx,M 2\n",
            [
                (3, "会員番号", "missing"),
                (4, "会員番号", "duplicate_in_file"),
                (5, "会員番号", "bad_identifier"),
            ],
        ),
    ],
)
def test_a_bad_cohort(text: str, errors: list[tuple[int | None, str, str]]) -> None:
    with pytest.raises(BadInput) as caught:
        read_cohort(text.encode())
    assert [(e.line, e.field, e.code) for e in caught.value.errors] == errors


CELLS = st.text(max_size=12) | st.sampled_from(["M1", "100-0001", "a@example.jp", "P1;P2", '"'])


@given(st.binary(max_size=120), st.sampled_from([b"", HEAD.encode(), HEAD.encode("cp932")]))
def test_bytes_give_members_or_bad_input(raw: bytes, head: bytes) -> None:
    for reader in (read, read_cohort):
        try:
            assert reader(head + raw)
        except BadInput:
            continue


@given(st.lists(st.lists(CELLS, min_size=10, max_size=10), max_size=4))
def test_cells_give_members_or_bad_input(rows: list[list[str]]) -> None:
    text = HEAD + "".join(",".join(cells) + "\n" for cells in rows)
    try:
        assert read(text.encode("utf-8", "replace"))
    except BadInput:
        return
