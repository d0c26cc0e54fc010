"""The keeper: a process that stops the embedded engines once nobody uses them any more.

Where the last user has asked for it they stay for a while, so that the next verb of a person at
the terminal need not start them anew.

Run as ``python -m notifier.runtime.keeper VAR``; it returns at once and keeps watch behind.
"""

import os
import sys
import time
from pathlib import Path

from .house import House

_LOOK = 2.0  # seconds between two looks whether what lingers is still to stay


def keep(var: Path) -> None:
    """Wait until no process uses the engines under ``var``, and stop them."""
    house = House(var)
    mine = house.lock("keeper")
    if not mine.take(wait=False):
        return  # there is one
    if os.fork():
        os._exit(0)  # the lock lives on in the child
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):  # whoever waits for the end of our output is not to wait for us
        os.dup2(nowhere, stream)
    users = house.lock("users")
    users.take()
    while left := house.lingers():
        users.release()
        time.sleep(min(left, _LOOK))
        users.take()
    house.stop()
    # In this order: whoever gets in after us must find the place of the keeper free.
    mine.close()
    users.close()


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
