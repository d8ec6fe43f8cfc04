"""Two ASGI apps at one address: ours by its paths, the page for all else."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send


class Beside:
    """Sends requests to an app by where they go.

    Args:
        app: Takes what lies under `places`.
        places: Paths without a slash at the end.
        page: Takes the rest, and the server's own messages.
    """

    def __init__(self, app: ASGIApp, places: Sequence[str], page: ASGIApp) -> None:
        self._app, self._places, self._page = app, tuple(places), page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        path = scope.get("path", "")
        ours = any(path == place or path.startswith(f"{place}/") for place in self._places)
        await (self._app if ours else self._page)(scope, receive, send)
