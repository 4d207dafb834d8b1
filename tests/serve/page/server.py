"""A server as a process of its own, for pages in a browser.

python -m tests.serve.page.server real     with the bundled model
python -m tests.serve.page.server red      with a fake model: what is red is person
... KEY                                    it asks for that key
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import uvicorn

from standout.serve import listen
from standout.serve.app import create
from standout.serve.jobs.settings import JobSettings
from standout.serve.settings import ServerSettings
from standout.types import Mask


class Red:
    """A fake model: what is red is person."""

    def probability(self, image: np.ndarray) -> Mask:
        red, green, blue = np.moveaxis(image.astype(np.float32), 2, 0) / np.iinfo(image.dtype).max
        return np.asarray(np.clip(2 * red - green - blue, 0, 1) > 0.5, np.float32)


def main(kind: str, *keys: str) -> None:
    with TemporaryDirectory() as folder:
        jobs = JobSettings(Path(folder) / "jobs")
        settings = ServerSettings(port=0, workers=1, keys=keys, jobs=jobs)
        app = create(settings, None if kind == "real" else Red())
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        with listen._opened(settings) as opened:
            print(listen.url(settings.host, opened.getsockname()[1]), flush=True)
            uvicorn.Server(config).run(sockets=[opened])


if __name__ == "__main__":
    main(*sys.argv[1:])
