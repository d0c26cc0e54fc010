"""The terminal: ``notifier``."""

import sys

_INTERRUPTED = 130  # what shells say of a program that Ctrl-C has ended


def main() -> None:
    """Run the verb that the command line names.

    The program is loaded within, so that Ctrl-C during the second that it takes ends it as quietly
    as later.
    """
    try:
        from .app import run_verb
        from .faults import guarded

        guarded(run_verb)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


__all__ = ["main"]
