"""Run by WeasyPrint's own Python: writes pages (a JSON list of HTML) as PDF/A, tells the median."""

import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import weasyprint
from weasyprint.text.fonts import FontConfiguration


def main() -> None:
    """Each page by one call, after one to warm up."""
    pages, found = json.loads(Path(sys.argv[1]).read_text("utf-8")), []
    fonts = FontConfiguration()
    for html in [pages[0], *pages]:
        began = perf_counter()
        weasyprint.HTML(string=html).write_pdf(font_config=fonts, pdf_variant="pdf/a-2b")
        found.append(1e3 * (perf_counter() - began))
    told = {"version": weasyprint.__version__, "ms": median(found[1:])}
    print(json.dumps(told))  # noqa: T201


if __name__ == "__main__":
    main()
