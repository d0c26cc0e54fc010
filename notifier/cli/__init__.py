"""The terminal: ``notifier``."""

import gc
import os
import sys

_INTERRUPTED = 130  # what shells say of a program that Ctrl-C has ended


def main() -> None:
    """Run the verb that the command line names; whatever it raises is said in a sentence or two.

    What is needed is loaded within, so that Ctrl-C while it is loaded ends the program as quietly
    as later, and what says errors is loaded where there is one.
    """
    # Pydantic looks through all installed packages for plugins; we have none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")
    gc.disable()  # until a verb is loaded: what is loaded stays
    try:
        try:
            from .app import run_verb

            run_verb()
        except Exception as problem:  # noqa: BLE001 (the last place where anything can be said)
            from .faults import end_with

            end_with(problem)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


__all__ = ["main"]
