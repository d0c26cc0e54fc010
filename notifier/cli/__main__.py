"""``python -m notifier.cli``."""

from . import main

main()
