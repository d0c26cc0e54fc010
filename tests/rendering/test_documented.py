"""Examples of the documents are what the program takes."""

import re
from pathlib import Path

from notifier.model.plan import CutOff, Plan, PlanStep
from notifier.rendering.manifest import read_notice

DOCS = Path(__file__).parents[2] / "docs"


def test_the_plan_of_the_document_is_one() -> None:
    [source] = re.findall(r"```toml\n(.*?)```", (DOCS / "cases.md").read_text(), re.DOTALL)
    notice = read_notice("renewal", source)
    steps = (PlanStep("before_60", 60), PlanStep("before_30", 30), PlanStep("before_14", 14))
    assert notice.plans == (
        Plan(name="renewal", notice="renewal", steps=steps, wait=5, over="over"),
    )
    assert notice.cut_off == CutOff(received_by=15, counts_from=5, months=1)
