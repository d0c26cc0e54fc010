"""What clerks give to the readers of CSV files, and what each answers.

Every input is wrong in one way, or looks wrong and is right. The answer names place, field and
code of all that is wrong; or it is None, and the file is read.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import pytest

from notifier.intake.closure_file import read_closures
from notifier.intake.cohort_file import read_cohort
from notifier.intake.members_csv import read_register
from notifier.intake.press_file import read_acknowledgement
from notifier.intake.returned_file import read_returned
from notifier.intake.suppression_file import read_suppressions
from notifier.model.errors import BadInput
from notifier.rendering.labels import label

_NOW: Final = datetime(2025, 7, 16, 1, 0, tzinfo=UTC)
#: Line (- for none), field and code of each error; None: the file is read.
Answer = str | None


def _workbook() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("[Content_Types].xml", "<Types/>")
        file.writestr("xl/workbook.xml", "<workbook/>")
    return made.getvalue()


_XLSX: Final = _workbook()
_XLS: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
_HEAD: Final = "会員番号,氏名"
_WHOLE: Final = f"{_HEAD},メールアドレス,郵便番号,都道府県,市区町村,町域番地,建物名,電話番号"
_PLACE: Final = "100-0001,東京都,千代田区,千代田9-9-9"


def _name(text: str) -> bytes:
    return f'{_HEAD}\nM1,"{text}"\n'.encode()


def _wrong_name(code: str) -> Answer:
    return f"2 氏名 {code}"


def _mail(text: str) -> bytes:
    return f"{_HEAD},メールアドレス\nM1,潮田 凪,{text}\n".encode()


def _place(text: str) -> bytes:
    return f"{_WHOLE}\nM1,潮田 凪,,{text}\n".encode()


#: What is given as a register → the answer.
REGISTER: Final[tuple[tuple[str, bytes, Answer], ...]] = (
    # files of another kind
    ("xlsx", _XLSX, "- file excel_workbook"),
    ("xls", _XLS, "- file excel_workbook"),
    ("pdf", b"%PDF-1.7\n%\xe2\xe3", "- file not_csv"),
    ("picture", b"\x89PNG\r\n\x1a\n\0\0", "- file not_csv"),
    ("nothing", b"", "- file empty_file"),
    ("a mark only", b"\xef\xbb\xbf\r\n", "- file empty_file"),
    ("heading only", f"{_HEAD}\r\n".encode(), "- file no_rows"),
    ("blank rows only", f"{_HEAD}\n,\n , \n".encode(), "- file no_rows"),
    # encodings
    ("utf-16", f"{_HEAD}\nM1,凪\n".encode("utf-16"), "- file utf16"),
    ("utf-16 unmarked", f"{_HEAD}\nM1,凪\n".encode("utf-16-le"), "- file utf16"),
    ("utf-16 tabs", "会員番号\t氏名\nM1\t凪\n".encode("utf-16"), "- file utf16"),
    ("euc-jp", f"{_HEAD}\nM1,潮田 凪\n".encode("euc_jp"), "1 file bad_encoding"),
    (
        "cp932 cut short",
        f"{_HEAD}\nM1,潮田 凪\n".encode("cp932")[:-2] + b"\n",
        "1 file bad_encoding",
    ),
    (
        "cp932 with what it lacks",
        f"{_HEAD}\nM1,".encode("cp932") + "𠮷野".encode() + b"\n",
        "1 file bad_encoding",
    ),
    ("utf-8 cut short", f"{_HEAD}\nM1,凪".encode()[:-1], "2 file bad_encoding"),
    ("cp932", f"{_HEAD}\nM1,髙﨑 凪\n".encode("cp932"), None),
    ("a mark in front", f"{_HEAD}\nM1,凪\n".encode("utf-8-sig"), None),
    ("a mark within", _name("\ufeff潮田 凪"), _wrong_name("control_character")),
    ("nul", _name("潮田\0凪"), "2 氏名 control_character"),
    # form
    ("semicolons", "会員番号;氏名\nM1;凪\n".encode(), "1 file wrong_separator"),
    ("tabs", "会員番号\t氏名\nM1\t凪\n".encode(), "1 file wrong_separator"),
    ("wide commas", "会員番号、氏名\nM1、凪\n".encode(), "1 file wrong_separator"),
    (
        "no heading",
        "M1,潮田 凪\n".encode(),
        "1 M1 unknown_column; 1 潮田 凪 unknown_column; 1 会員番号 missing_column",
    ),
    (
        "a title above",
        "会員名簿,\n会員番号,氏名\nM1,凪\n".encode(),
        "1 会員名簿 unknown_column; 1 列2 unknown_column; 1 会員番号 missing_column",
    ),
    ("a heading twice", "会員番号,氏名,お名前\nM1,凪,渚\n".encode(), "1 お名前 given_twice"),
    ("an unknown column", f"{_HEAD},年齢\nM1,凪,5\n".encode(), "1 年齢 unknown_column"),
    ("a column without heading", f"{_HEAD},\nM1,凪,5\n".encode(), "1 列3 unknown_column"),
    ("numbers only", "会員番号\nM1\n".encode(), "1 file nothing_but_numbers"),
    ("no numbers", "氏名\n凪\n".encode(), "1 会員番号 missing_column"),
    ("policies without scheme", f"{_HEAD},証券番号\nM1,凪,P1\n".encode(), "1 制度 missing_column"),
    ("trailing commas", f"{_HEAD},,\nM1,凪,,\n".encode(), None),
    ("trailing commas below", f"{_HEAD}\nM1,凪,,\n".encode(), None),
    ("a cell too many", f"{_HEAD}\nM1,凪,渚\n".encode(), "2 file wrong_columns"),
    ("a cell too few", f"{_HEAD},メール\nM1,凪\n".encode(), "2 file wrong_columns"),
    ("an open quote", f'{_HEAD}\nM1,"凪\nM2,渚\n'.encode(), "2 file bad_csv"),
    ("a quote within", f'{_HEAD}\nM1,"凪"渚\n'.encode(), "2 file bad_csv"),
    ("a quoted line break", _name("潮田\n凪"), _wrong_name("control_character")),
    ("old line ends", f"{_HEAD}\rM1,潮田 凪\r".encode(), None),
    # rows
    (
        "a number twice, once with a bad cell",
        "会員番号,氏名,メールアドレス\nM1,凪,foo@\nM1,凪,nagi@example.jp\n".encode(),
        "2 メールアドレス bad_email; 3 会員番号 duplicate_in_file",
    ),
    ("a number twice", f"{_HEAD}\nM1,凪\nM2,渚\nM1,凪\n".encode(), "4 会員番号 duplicate_in_file"),
    ("no number", f"{_HEAD}\n,凪\n".encode(), "2 会員番号 missing"),
    ("a wide number", f"{_HEAD}\nＭ１,凪\n".encode(), "2 会員番号 bad_identifier"),
    ("a number as a power", f"{_HEAD}\n1.2E+10,凪\n".encode(), "2 会員番号 bad_identifier"),
    (
        "a number that is a page",
        f"{_HEAD}\nevil.example/login,凪\n".encode(),
        "2 会員番号 looks_like_link",
    ),
    # names
    ("no name", f"{_HEAD}\nM1,\n".encode(), _wrong_name("missing")),
    ("a wide space for a name", f"{_HEAD}\nM1,　\n".encode(), _wrong_name("missing")),
    ("a name that nobody sees", _name("\ufe0f"), _wrong_name("missing")),
    ("様", _name("潮田 凪 様"), _wrong_name("honorific_in_name")),
    ("御中", _name("株式会社みほん御中"), _wrong_name("honorific_in_name")),
    ("殿", _name("潮田 凪殿"), _wrong_name("honorific_in_name")),
    ("先生", _name("潮田先生"), _wrong_name("honorific_in_name")),
    ("各位", _name("会員各位"), _wrong_name("honorific_in_name")),
    ("a name that ends in 殿", _name("鵜殿"), None),
    ("a long name", _name("凪" * 201), _wrong_name("too_long")),
    ("a cell of 100 kB", _name("凪" * 33_000), _wrong_name("too_long")),
    ("a cell beyond all bounds", _name("凪" * 140_000), "2 file bad_csv"),
    ("外字", _name("潮田\ue000"), _wrong_name("private_character")),
    ("zero width", _name("潮田\u200b凪"), _wrong_name("control_character")),
    ("a soft hyphen", _name("潮田\u00ad凪"), _wrong_name("control_character")),
    ("direction", _name("潮田\u202e凪"), _wrong_name("control_character")),
    ("isolates", _name("\u2067潮田\u2069"), _wrong_name("control_character")),
    ("tags", _name("潮田\U000e0041"), _wrong_name("control_character")),
    ("a filler", _name("\u3164"), _wrong_name("control_character")),
    ("an end of line of another kind", _name("潮田\u2028凪"), _wrong_name("control_character")),
    ("a variation selector", _name("葛\U000e0100西 凪"), None),
    ("a bare domain", _name("evil.example/login"), _wrong_name("looks_like_link")),
    ("a domain behind a name", _name("潮田 凪 evil.example"), _wrong_name("looks_like_link")),
    ("a URL", _name("https://evil.example"), _wrong_name("looks_like_link")),
    ("www", _name("www.evil.example"), _wrong_name("looks_like_link")),
    ("a mail address", _name("nagi@evil.example"), _wrong_name("looks_like_link")),
    ("mailto", _name("mailto:nagi"), _wrong_name("looks_like_link")),
    ("initials", _name("J.R. Ushioda"), None),
    ("a formula", _name("=cmd|' /C calc'!A0"), None),
    ("markup", _name("<b>凪</b> {{ 7 * 7 }}"), None),
    # mail
    ("old carriers", _mail("a..b.@docomo.example.jp"), None),
    ("no at", _mail("nagi"), "2 メールアドレス bad_email"),
    ("two ats", _mail("a@@mail.example.jp"), "2 メールアドレス bad_email"),
    ("two addresses", _mail("a@mail.example.jp;b@mail.example.jp"), "2 メールアドレス bad_email"),
    (
        "a header",
        f'{_HEAD},メール\nM1,凪,"a@mail.example.jp\r\nBcc: b@mail.example.jp"\n'.encode(),
        "2 メール control_character",
    ),
    ("a mark in a domain", _mail("a@mail\ufeff.example.jp"), "2 メールアドレス control_character"),
    # places, telephones
    ("a wide postcode", _place("〒１００−０００１,東京都,千代田区,千代田9-9-9,,"), None),
    (
        "a postcode of six",
        _place("100-001,東京都,千代田区,千代田9-9-9,,"),
        "2 郵便番号 bad_postcode",
    ),
    (
        "a postcode that lost its zero",
        _place("600001,北海道,札幌市中央区,北一条西3,,"),
        "2 郵便番号 bad_postcode",
    ),
    ("half a place", _place("100-0001,東京都,,,,"), "2 市区町村 missing; 2 町域番地 missing"),
    (
        "a building only",
        _place(",,,,みほん荘,"),
        "2 郵便番号 missing; 2 都道府県 missing; 2 市区町村 missing; 2 町域番地 missing",
    ),
    ("a page for a building", _place(f"{_PLACE},evil.example/login,"), "2 建物名 looks_like_link"),
    ("floors", _place(f"{_PLACE},みほんビル3.5階 No.5,"), None),
    ("a wide telephone", _place(f"{_PLACE},,０３−００００−００００"), None),
    ("words for a telephone", _place(f"{_PLACE},,なし"), "2 電話番号 bad_format"),
    # marks
    ("an unknown mark", f"{_HEAD},法人\nM1,凪,？\n".encode(), "2 法人 not_allowed"),
    ("an unknown honorific", f"{_HEAD},敬称\nM1,凪,さん\n".encode(), "2 敬称 not_allowed"),
    ("organisations", f"{_HEAD},法人,敬称\nM1,なぎさ会,法人,御中\nM2,凪,個人,様\n".encode(), None),
    (
        "an unknown scheme",
        f"{_HEAD},制度,証券番号\nM1,凪,foo,P1\n".encode(),
        "2 制度 unknown_scheme",
    ),
    (
        "a scheme without policies",
        f"{_HEAD},制度,証券番号\nM1,凪,group-liability,\n".encode(),
        "2 証券番号 missing",
    ),
    ("an unknown channel", f"{_HEAD},連絡方法\nM1,凪,電話\n".encode(), "2 連絡方法 not_allowed"),
)

_READERS: Final[dict[str, Callable[[bytes], object]]] = {
    "cohort": read_cohort,
    "returned": read_returned,
    "suppressions": lambda data: read_suppressions(data, now=_NOW),
    "acknowledgement": read_acknowledgement,
    "closures": lambda data: read_closures(data, ()),
}
#: What is given to the other readers → the answer.
OTHERS: Final[tuple[tuple[str, bytes, Answer], ...]] = (
    ("cohort", "会員番号;備考\nM1;x\n".encode(), "1 file wrong_separator"),
    ("cohort", "会員番号\n".encode(), "- file no_rows"),
    ("suppressions", b"email,until\na@mail.example.jp,2025-02-30\n", "2 until bad_date"),
    ("suppressions", b"email,until\na@mail.example.jp,2025-07-01\n", "2 until bad_date"),
    ("suppressions", b"email\nnobody\n", "2 email bad_email"),
    ("suppressions", b"email\n", "- file no_rows"),
    ("suppressions", b"email\na..b.@docomo.example.jp\n", None),
    (
        "returned",
        "番号,理由,返送日\nM000000001,あて所に尋ねあたりません,7/40\n".encode(),
        "2 返送日 ack_unreadable",
    ),
    ("returned", "番号,理由\nM1,あて所に尋ねあたりません\n".encode(), "2 番号 ack_unreadable"),
    ("returned", "番号,理由\n".encode(), "- file no_rows"),
    ("acknowledgement", "通番,管理番号,差出日\n".encode(), "- file no_rows"),
    (
        "acknowledgement",
        "通番\t管理番号\t差出日\n1\tA\t20250716\n".encode(),
        "1 file wrong_separator",
    ),
)


def _answer(read: Callable[[bytes], object], data: bytes) -> Answer:
    try:
        read(data)
    except BadInput as problem:
        for error in problem.errors:  # every answer has a sentence in both languages
            for language in ("ja", "en"):
                key = f"error.{error.code}"
                assert label(key, language, **error.params) != key
        return "; ".join(f"{e.line or '-'} {e.field} {e.code}" for e in problem.errors)
    return None


@pytest.mark.parametrize(
    ("data", "answer"), [r[1:] for r in REGISTER], ids=[r[0] for r in REGISTER]
)
def test_a_register(data: bytes, answer: Answer) -> None:
    assert _answer(lambda given: read_register(given, {"group-liability"}), data) == answer


@pytest.mark.parametrize(("reader", "data", "answer"), OTHERS)
def test_other_files(reader: str, data: bytes, answer: Answer) -> None:
    assert _answer(_READERS[reader], data) == answer


def _everywhere() -> Iterator[tuple[str, bytes, str]]:
    for reader in _READERS:
        yield reader, _XLSX, "excel_workbook"
        yield reader, _XLS, "excel_workbook"
        yield reader, "会員番号,email\n".encode("utf-16"), "utf16"
        yield reader, b"", "empty_file"


@pytest.mark.parametrize(("reader", "data", "code"), [*_everywhere()])
def test_every_reader_names_what_is_no_csv(reader: str, data: bytes, code: str) -> None:
    assert _answer(_READERS[reader], data) == f"- file {code}"
