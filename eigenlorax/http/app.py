"""The whole of it as one ASGI app, which stands beside the page or alone."""

from collections.abc import Collection
from enum import Enum

from fastapi import FastAPI

from eigenlorax import __version__
from eigenlorax.http.access import Access, guards
from eigenlorax.http.desk import Desk
from eigenlorax.http.docs import DOCS, OPENAPI, docs_routes
from eigenlorax.http.faults import tell_faults
from eigenlorax.http.mcp.protocol import mcp_routes
from eigenlorax.http.own.routes import style_routes, work_routes
from eigenlorax.http.queueing import MOST_WAITING, Queue
from eigenlorax.http.sdapi.drawing import drawing_routes
from eigenlorax.http.sdapi.lists import listing_routes
from eigenlorax.http.sdapi.options import Settings
from eigenlorax.jobs.server import JobServer
from eigenlorax.studio import Studio

SDAPI = "/sdapi/v1"
OWN = "/api/v1"
MCP = "/mcp"
_PURPOSE = "Draw in your styles, blend them and make new ones: A1111's interface, and one of our own."


class Door(Enum):
    """A way in that is open only when it is asked for."""

    API = "api"
    MCP = "mcp"

    @property
    def places(self) -> tuple[str, ...]:
        """The paths that it answers to, without a slash at the end."""
        return (OWN, SDAPI) if self is Door.API else (MCP,)

    @property
    def address(self) -> str:
        """Where to look first."""
        return DOCS if self is Door.API else MCP


def http_app(
    studio: Studio,
    jobs: JobServer,
    access: Access,
    doors: Collection[Door] = frozenset(Door),
    *,
    most_waiting: int = MOST_WAITING,
) -> FastAPI:
    """The app.

    Args:
        studio: The use cases.
        jobs: The queue that all work goes through.
        access: Who may ask.
        doors: Which are open.
        most_waiting: Jobs that may run or wait before more are turned away.

    Raises:
        InvalidRequestError: anybody could ask.
    """
    access.check()
    app = FastAPI(
        title="EigenLoRAx Studio",
        version=__version__,
        description=_PURPOSE,
        openapi_url=OPENAPI if Door.API in doors else None,
        docs_url=None,
        redoc_url=None,
        middleware=guards(access),
    )
    tell_faults(app)
    desk = Desk(studio, Queue(studio, jobs, most_waiting), Settings(studio.base.name))
    if Door.API in doors:
        app.include_router(drawing_routes(desk), prefix=SDAPI)
        app.include_router(listing_routes(desk, access), prefix=SDAPI)
        app.include_router(style_routes(desk), prefix=OWN)
        app.include_router(work_routes(desk), prefix=OWN)
        app.include_router(docs_routes(app))
    if Door.MCP in doors:
        app.include_router(mcp_routes(desk, MCP))
    return app
