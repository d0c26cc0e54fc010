"""A worker process that a test may kill: ``python -m tests.delivery.worker_process SETTINGS``."""

import asyncio
import signal
import sys

from notifier.model.notice import Lane
from notifier.runtime.engines import Urls
from notifier.runtime.settings import Settings
from notifier.runtime.worker import work
from tests.delivery.rig import HOUSE
from tests.samples import WRITER


async def main(given: str) -> None:
    settings = Settings.model_validate_json(given)
    assert settings.database_url is not None
    assert settings.redis_url is not None
    urls = Urls(database=settings.database_url, redis=settings.redis_url, intake=None)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await work(settings, urls, tuple(Lane), writer=WRITER, house=HOUSE, stop=stop)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
