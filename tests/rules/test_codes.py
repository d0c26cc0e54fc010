"""Gateway codes: what each refusal means for the member."""

from datetime import date
from pathlib import Path

import pytest

from notifier.model.verdict import Action, Category, Verdict
from notifier.rules.codes import judge, read_table, tables

TODAY = date(2025, 7, 15)


def verdict(gateway: str, *codes: str, expiry: str | None = None, before: bool = False) -> Verdict:
    return judge(gateway, codes, card_expiry=expiry, today=TODAY, earlier_silent=before)


def words(text: str) -> list[str]:
    return text.split()


CATEGORIES = [
    ("gmo", "G83", Category.EXPIRY),
    ("gmo", "42G830000", Category.EXPIRY),
    ("gmo", "E01180008", Category.EXPIRY),
    *(("gmo", c, Category.LIMIT) for c in words("G02 G04 G06 G03 G05 G07 G55 G54 42G020000")),
    *(
        ("gmo", c, Category.CARD_DATA)
        for c in words(
            "G12 G22 G56 G60 G61 G96 G65 G42 G44 G45 G84 E61010002 E01170001 E01240002 "
            "E11010099 E11010100 E41170099 42G120000"
        )
    ),
    *(("gmo_updater", c, Category.CARD_DATA) for c in "123"),
    ("stripe", "expired_card", Category.EXPIRY),
    ("stripe", "invalid_expiry_month", Category.EXPIRY),
    ("stripe", "invalid_expiry_year", Category.EXPIRY),
    ("stripe", "insufficient_funds", Category.LIMIT),
    ("stripe", "card_velocity_exceeded", Category.LIMIT),
    ("stripe", "withdrawal_count_limit_exceeded", Category.LIMIT),
    ("stripe", "lost_card", Category.CARD_DATA),
    ("stripe", "incorrect_number", Category.CARD_DATA),
    ("payjp", "expired_card", Category.EXPIRY),
    ("payjp", "invalid_expiry_year", Category.EXPIRY),
    ("payjp", "card_declined", Category.CARD_DATA),
    ("payjp", "incorrect_card_data", Category.CARD_DATA),
    ("payjp", "missing_card", Category.CARD_DATA),
]


@pytest.mark.parametrize(("gateway", "code", "category"), CATEGORIES)
def test_code_has_its_category(gateway: str, code: str, category: Category) -> None:
    found = verdict(gateway, code)
    assert (found.action, found.category, found.code) == (Action.NOTIFY, category, code)


SILENT = words("G85 G91 G95 C12 C13 C14 C50 E90 E90010001 E91 E91029999 E61 E61010001 42C120000")
OURS = words("G67 G75 G81 G94 G98 G99 E01 E01040010 E21 E21010001 42G990000")


@pytest.mark.parametrize("code", SILENT)
def test_faults_of_the_network_are_retried_in_silence(code: str) -> None:
    assert verdict("gmo", code).action is Action.SILENT_RETRY
    assert verdict("gmo", code, before=True).action is Action.SILENT_RETRY


@pytest.mark.parametrize("code", OURS)
def test_faults_of_ours_go_to_operations(code: str) -> None:
    found = verdict("gmo", code)
    assert (found.action, found.category) == (Action.OPERATIONS, None)


@pytest.mark.parametrize("code", ["try_again_later", "processing_error", "issuer_not_available"])
def test_stripe_retries(code: str) -> None:
    assert verdict("stripe", "card_declined", code).action is Action.SILENT_RETRY


@pytest.mark.parametrize("code", ["processing_error", "card_flagged"])
def test_payjp_retries(code: str) -> None:
    assert verdict("payjp", code).action is Action.SILENT_RETRY


@pytest.mark.parametrize("code", ["G30", "G92", "G97", "42G970000"])
def test_a_refusal_without_reason_is_retried_once(code: str) -> None:
    assert verdict("gmo", code).action is Action.SILENT_RETRY
    again = verdict("gmo", code, before=True)
    assert (again.action, again.category) == (Action.NOTIFY, Category.CARD_DATA)
    assert again.ask_card_company


def test_of_several_codes_the_most_telling_counts() -> None:
    assert verdict("gmo", "G97|G02").code == "G02"
    assert verdict("gmo", "G02", "G12").category is Category.CARD_DATA
    assert verdict("gmo", "G02|G12|G83").category is Category.EXPIRY
    assert verdict("gmo", "G95|G67").action is Action.OPERATIONS
    assert verdict("gmo", "E01", "E01180001").category is Category.EXPIRY
    assert verdict("gmo", "E61", "E61010002").category is Category.CARD_DATA


def test_the_code_of_every_stripe_refusal_does_not_hide_its_reason() -> None:
    assert verdict("stripe", "card_declined", "insufficient_funds").category is Category.LIMIT
    assert verdict("stripe", "card_declined", "brand_new").action is Action.UNKNOWN
    assert verdict("stripe", "card_declined").category is Category.CARD_DATA


def test_authentication_has_an_action_of_its_own() -> None:
    found = verdict("stripe", "card_declined", "authentication_required")
    assert found.action is Action.AUTHENTICATION


@pytest.mark.parametrize(
    ("gateway", "codes"),
    [("gmo", ("X99",)), ("gmo", ("",)), ("gmo", ("|",)), ("other", ("G02",)), ("gmo", ("G",))],
)
def test_an_unknown_code_goes_to_a_person(gateway: str, codes: tuple[str, ...]) -> None:
    found = verdict(gateway, *codes, expiry="2020-01")
    assert (found.action, found.category) == (Action.UNKNOWN, None)


def test_unknown_beats_silence_but_not_a_known_reason() -> None:
    assert verdict("gmo", "X99", "G95").action is Action.UNKNOWN
    assert verdict("gmo", "X99", "E01").unknown == ("X99",)
    known = verdict("gmo", "X99", "G02")
    assert (known.category, known.unknown) == (Category.LIMIT, ("X99",))


def test_the_head_of_a_known_code_is_not_unknown() -> None:
    found = verdict("gmo", "E41", "E41170002")
    assert (found.category, found.unknown) == (Category.CARD_DATA, ())


@pytest.mark.parametrize(
    ("expiry", "category"),
    [
        (None, Category.CARD_DATA),
        ("2025-07", Category.CARD_DATA),  # good to the end of the month
        ("2025-06", Category.EXPIRY),
        ("0000-01", Category.EXPIRY),
        ("9999-12", Category.CARD_DATA),
    ],
)
def test_an_expired_card_explains_that_it_cannot_be_used(
    expiry: str | None, category: Category
) -> None:
    assert verdict("gmo", "G12", expiry=expiry).category is category
    assert verdict("gmo", "G97", expiry=expiry, before=True).category is category
    assert verdict("gmo", "G02", expiry=expiry).category is Category.LIMIT


def test_letter_case_and_space_do_not_matter() -> None:
    assert verdict("gmo", " g02 ").category is Category.LIMIT
    assert verdict("payjp", "Expired_Card").category is Category.EXPIRY


def test_every_table_says_what_its_codes_mean() -> None:
    assert all(rule.meaning for t in tables().values() for rule in t.exact.values())


def test_the_page_on_gateways_shows_a_table() -> None:
    page = (Path(__file__).parents[2] / "docs/adding-a-gateway.md").read_text()
    table = read_table(page.split("```toml\n")[1].split("```")[0])
    assert table.find("eg83") is table.find("G5401") is not None


BAD_TABLES = [
    'action = "notify"\ncodes = ["A"]',
    'action = "silent_retry"\ncategory = "limit"\ncodes = ["A"]',
    'action = "operations"\nthen = "limit"\ncodes = ["A"]',
    'action = "operations"\ncodes = []',
    'action = "operations"\ncodes = ["A", "a"]',
    'action = "operations"\ncodes = ["*"]',
    'action = "elsewhere"\ncodes = ["A"]',
]


@pytest.mark.parametrize("rule", BAD_TABLES)
def test_a_table_that_contradicts_itself_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        read_table(f'gateway = "x"\n[[rules]]\nmeaning = "m"\n{rule}\n')
