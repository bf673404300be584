"""Who may ask, and how much: this computer's own browser, on this app's own pages, in small requests."""

from typing import Any

MOST = 96 * 1024
"""Largest request [byte]: a file of the largest size with the form around it."""

HEARD_OUT = 64 * MOST
"""Up to where a request that is too large is heard out, so that its sender gets the answer [byte]."""

HEADERS = {
    b"content-security-policy": (
        b"default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    b"x-content-type-options": b"nosniff",
    # With no-referrer, browsers would hide the origin of this app's own forms from it.
    b"referrer-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
}


class Guard:
    """Refuses requests under a foreign name, from foreign pages, or too large, before anything looks at them.

    A foreign name is how a web site would reach this app by way of its own address (DNS rebinding); a foreign origin
    is a page elsewhere that sends a form here.
    """

    def __init__(self, app: Any, port: int) -> None:
        self.app = app
        self.hosts = {f"{name}:{port}".encode() for name in ("127.0.0.1", "localhost")}
        self.origins = {b"http://" + host for host in self.hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        found: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            found.setdefault(name.lower(), []).append(value.lower())
        # Read first, even what is refused: who is cut off while sending would not get the answer.
        body = await _body(receive)
        if problem := self._foreign(found, scope["method"]):
            await _refuse(send, 403, problem)
            return
        if body is None:
            await _refuse(send, 413, f"The request is larger than {MOST // 1024} kB.")
            return
        given = False

        async def again() -> Any:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS.items()]
            await send(message)

        await self.app(scope, again, guarded)

    def _foreign(self, headers: dict[bytes, list[bytes]], method: str) -> str:
        hosts, origins = headers.get(b"host", []), headers.get(b"origin", [])
        if len(hosts) != 1 or hosts[0] not in self.hosts:
            return "This app answers to 127.0.0.1 and localhost only."
        if any(origin not in self.origins for origin in origins):
            return "This app takes requests from its own pages only."
        site = headers.get(b"sec-fetch-site", [b"same-origin"])
        if method not in ("GET", "HEAD") and any(value not in (b"same-origin", b"none") for value in site):
            return "This app takes forms from its own pages only."
        return ""


async def _body(receive: Any) -> bytes | None:
    """The whole request; None where it is too large, which is let go as it comes."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        size += len(message.get("body", b""))
        parts = [*parts, message.get("body", b"")] if size <= MOST else []
        if not message.get("more_body", False) or size > HEARD_OUT:
            break
    return b"".join(parts) if size <= MOST else None


async def _refuse(send: Any, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close"), *HEADERS.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
