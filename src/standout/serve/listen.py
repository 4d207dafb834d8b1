"""The socket, and the server that listens on it until a signal ends it."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from standout.errors import SetupError
from standout.serve.app import create
from standout.serve.connection import MOST_CONNECTIONS, LimitedConnection
from standout.serve.jobs.service import Jobs
from standout.serve.settings import ServerSettings

GRACE = 10
"""Seconds that requests in work get to end once a signal has come."""


def serve(settings: ServerSettings, told: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM. told: gets the server's URL once its port is open.

    Raises SetupError where the port or the folder of the jobs cannot be opened, ModelError for a model that is not
    known.
    """
    app = create(settings)
    opened = _opened(settings)
    with opened:
        app.state.jobs.open()
        told(url(settings.host, opened.getsockname()[1]))
        _TellingServer(configuration(app), app.state.jobs).run(sockets=[opened])


def configuration(app: ASGIApp, *, log_level: str = "warning", grace: int = GRACE) -> uvicorn.Config:
    """How uvicorn serves the application: with our own limits on connections, and without a log of requests.

    Logging stays as the process has it: uvicorn's own setting would close the handlers of everybody else.

    grace: seconds that requests in work get at the end.
    """
    return uvicorn.Config(
        app,
        http=LimitedConnection,
        lifespan="on",
        log_config=None,
        log_level=log_level,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=grace,
    )


class _TellingServer(uvicorn.Server):
    """Tells those who watch jobs that the server ends, as it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config, jobs: Jobs) -> None:
        super().__init__(config)
        self._jobs = jobs

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._jobs.watchers.end()
        await super().shutdown(sockets)


def url(host: str, port: int) -> str:
    """The address of the server.

    >>> url("127.0.0.1", 8700), url("::1", 80)
    ('http://127.0.0.1:8700/', 'http://[::1]:80/')
    """
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _opened(settings: ServerSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=MOST_CONNECTIONS)
    except (OSError, OverflowError) as error:
        cure = "does another server run there? Give another port (--port 8701), or any that is free (--port 0)"
        raise SetupError(f"port {settings.port} of {settings.host} cannot be opened ({error}); {cure}") from error
