"""Write the JSON Schemas of all events into ``docs/schemas``."""

from pathlib import Path

from notifier.intake.schemas import publish

if __name__ == "__main__":
    for path in publish(Path(__file__).parent.parent / "docs" / "schemas"):
        print(path)
