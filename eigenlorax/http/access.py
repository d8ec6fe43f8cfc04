"""Who may ask: which host names are ours, which web pages may ask through a browser, which secrets open."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import compare_digest
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from eigenlorax.errors import InvalidRequestError
from eigenlorax.http.faults import answer

ANY_ORIGIN = "*"
MOST_BYTES = 96 * 1024 * 1024
"""Of a request's body: a few pictures of 4096 x 4096 in base64."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_METHODS = ("DELETE", "GET", "POST", "PUT")


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        local: Whether only this machine is listened to; its names, and those of welcome origins, are then
            the only ones answered to, so that a web page cannot reach the program through a name of its own
            (DNS rebinding).
        token: For `Authorization: Bearer`; empty for none.
        users: User -> password for HTTP Basic, as A1111's `--api-auth` has them.
        origins: Of web pages from elsewhere that may ask through a browser, such as http://localhost:3000.
    """

    local: bool = True
    token: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()

    @property
    def locked(self) -> bool:
        """Whether a secret is asked for."""
        return bool(self.token or self.users)

    def check(self) -> None:
        """Refuse what would let anybody in.

        Raises:
            InvalidRequestError: others can reach the program, or any web page can, without a secret.
        """
        if not self.locked and not self.local:
            raise InvalidRequestError(
                "the API would be open to others: give it --api-token or --api-auth USER:PASSWORD"
            )
        if not self.locked and ANY_ORIGIN in self.origins:
            raise InvalidRequestError(
                "any web page could use the API: name the origins, or give it --api-token"
            )


def guards(access: Access) -> list[Middleware]:
    """What stands before an app, the outermost first: a browser's preliminary question needs no secret."""
    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(access.origins),
        allow_methods=_METHODS,
        allow_headers=["Authorization", "Content-Type"],
        expose_headers=["Retry-After"],
    )
    return [Middleware(Gate, access), *([cors] if access.origins else []), Middleware(Lock, access)]


class Gate:
    """Turns away requests by foreign names, from foreign web pages, and of bodies without end.

    Args:
        app: What stands behind it.
        access: Says which names and pages are none.
        most_bytes: Of a body whose length must be told; None where what stands behind sees to that.
    """

    def __init__(self, app: ASGIApp, access: Access, most_bytes: int | None = MOST_BYTES) -> None:
        self._app, self._access, self._most_bytes = app, access, most_bytes
        self._names = {*_LOOPBACK, *(urlsplit(origin).hostname for origin in access.origins)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._access.local and _name(host) not in self._names:
            return answer(403, f"this program answers to localhost, not to {host[:100]!r}: use 127.0.0.1")
        if origin is not None and not self._is_welcome(origin, host):
            return answer(
                403, f"web pages of {origin[:100]!r} may not ask: start with --cors-allow-origins to let them"
            )
        return None if self._most_bytes is None else self._too_long(headers, self._most_bytes)

    def _too_long(self, headers: Headers, most_bytes: int) -> Response | None:
        if "transfer-encoding" in headers:
            return answer(411, "the body's length is not told: send a Content-Length")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most_bytes:
            return answer(413, f"the body is larger than {most_bytes >> 20} MiB: send smaller pictures")
        return None

    def _is_welcome(self, origin: str, host: str) -> bool:
        origins = self._access.origins
        return origin in origins or ANY_ORIGIN in origins or urlsplit(origin).netloc.lower() == host.lower()


class Lock:
    """Asks for the secret, where there is one.

    Args:
        app: What stands behind it.
        access: Has the secrets.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._is_locked = app, access.locked
        self._token = access.token.encode()
        self._users = [f"{user}:{password}".encode() for user, password in access.users.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and self._is_locked and not self._opens(Headers(scope=scope)):
            words = "the API asks for a secret: send Authorization: Bearer TOKEN, or HTTP Basic"
            scheme = 'Basic realm="EigenLoRAx Studio"' if self._users else "Bearer"
            await answer(401, words, {"WWW-Authenticate": scheme})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _opens(self, headers: Headers) -> bool:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        given = secret.strip().encode()
        if scheme.lower() == "bearer" and self._token:
            return compare_digest(given, self._token)
        if scheme.lower() != "basic":
            return False
        try:
            plain = base64.b64decode(given, validate=True)
        except binascii.Error:
            return False
        # All are compared, so that the time tells nothing of which are there.
        return sum(compare_digest(plain, known) for known in self._users) > 0


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty where it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
