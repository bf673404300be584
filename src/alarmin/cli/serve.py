"""`alarmin serve`: the web app on this computer."""

from importlib.util import find_spec
from typing import Annotated

import typer

from alarmin.cli.face import keep_programs, notice, out, refusals

NEEDED = ("fastapi", "uvicorn", "jinja2", "python_multipart")


def serve(
    port: Annotated[int, typer.Option(help="Port on this computer; 0 takes any that is free.")] = 8000,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
) -> None:
    """Serve the web app to this computer, and open it in the browser; end it with Ctrl-C.

    Example:  alarmin serve --port 8001 --no-browser
    """
    with refusals():
        from alarmin.errors import AlarminError

        if not 0 <= port <= 65535:
            raise AlarminError(f"--port {port}", remedy="give a number from 0 to 65535")
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise AlarminError(
                f"the web app needs packages that are not installed: {', '.join(missing)}",
                remedy="install them with: pip install '.[web]' in a copy of the repository",
            )
        keep_programs()
        from alarmin.web.server import listen, make_server

        taken = listen(port)
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        server = make_server(taken)
        out.print(f"Alarmin is at [bold]{address}[/bold] on this computer alone; end it with Ctrl-C.")
        notice()
        if browser:
            import threading
            import webbrowser

            threading.Timer(0.8, webbrowser.open, [address]).start()
        server.run(sockets=[taken])
