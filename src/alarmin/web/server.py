"""Serves the app to this computer alone."""

import socket
from pathlib import Path

import uvicorn

from alarmin.errors import AlarminError
from alarmin.web.app import make_app

ADDRESS = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """A socket on this computer's own address; port 0 takes any that is free. Raises where the port is taken."""
    found = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((ADDRESS, port))
    except OSError as error:
        found.close()
        raise AlarminError(
            f"port {port} cannot be used: {error.strerror}", remedy="give another one, for instance --port 8001"
        ) from None
    return found


def make_server(taken: socket.socket, verdicts: Path | None = None) -> uvicorn.Server:
    """The server of the app on a socket from `listen`; verdicts of the review are kept in the folder `verdicts`."""
    app = make_app(taken.getsockname()[1], verdicts=verdicts)
    settings = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=64,
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(settings)
