"""``notifier preview``: a notice as files, by the writer that sends."""

from pathlib import Path

from tests.cli.terminal import Terminal


def test_the_plain_samples_of_all_steps(notifier: Terminal, tmp_path: Path) -> None:
    to = tmp_path / "preview"
    said = notifier("preview", "refund", "--to", str(to))
    names = {path.name for path in to.iterdir()}
    steps = ("decided", "completed")
    endings = ("eml", "html", "txt", "pdf", "1.png")
    assert names == {f"refund-{step}.{ending}" for step in steps for ending in endings}
    assert len(said.splitlines()) == len(names)


def test_a_sample_by_name(notifier: Terminal, tmp_path: Path) -> None:
    notifier("preview", "card_error", "--sample", "longest", "--to", str(tmp_path))
    text = (tmp_path / "card_error-first-longest.txt").read_text()
    assert "109,999,998円" in text


def test_all_samples_of_a_step(notifier: Terminal, tmp_path: Path) -> None:
    options = ("--step", "report", "--sample", "all", "--to", str(tmp_path))
    notifier("preview", "incident_report", *options)
    mails = {path.name for path in tmp_path.glob("*.eml")}
    samples = ("", "-organisation", "-long_role", "-rare")
    assert mails == {f"incident_report-report{name}.eml" for name in samples}


def test_what_is_not_there_is_named(notifier: Terminal, tmp_path: Path) -> None:
    to = ("--to", str(tmp_path))
    assert "候補：apology" in notifier("preview", "no", *to, code=1)
    assert "候補：decided" in notifier("preview", "refund", "--step", "no", *to, code=1)
    assert "候補：plain, limit" in notifier("preview", "card_error", "--sample", "no", *to, code=1)
