"""What tests of the surface share."""

import threading
import time

import pytest


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Where the web app is served, as `alarmin serve` serves it."""
    from alarmin.web.server import listen, make_server

    taken = listen(0)
    server = make_server(taken, tmp_path_factory.mktemp("verdicts"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{taken.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    taken.close()
