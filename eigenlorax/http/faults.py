"""What went wrong as an answer: a status, and a sentence in the shape that A1111's clients read."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from eigenlorax.errors import CardFullError, NotWrittenError, StudioError

_TOLD = 3
_LETTERS = 60


class QueueFullError(StudioError):
    """More work waits than is good for anybody.

    Args:
        words: For the user.
        retry_s: Seconds after which it is worth another try.
    """

    def __init__(self, words: str, retry_s: int) -> None:
        super().__init__(words)
        self.retry_s = retry_s


class NotDoneError(StudioError):
    """A job that was waited for did not come to its end; says why."""


class AbsentError(StudioError):
    """Nothing has the name or number that was asked for."""


def answer(status: int, words: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A refusal.

    Source: AUTOMATIC1111, modules/api/api.py (handle_exception), for the names.
    """
    content = {"error": HTTPStatus(status).phrase, "detail": words, "body": "", "errors": ""}
    return JSONResponse(content, status, dict(headers or {}))


def tell_faults(app: FastAPI) -> None:
    """Let every error of an app be answered in words."""

    @app.exception_handler(StudioError)
    async def _studio(_: Request, error: StudioError) -> JSONResponse:
        headers = {"Retry-After": str(error.retry_s)} if isinstance(error, QueueFullError) else {}
        return answer(status_of(error), " ".join(str(error).split()), headers)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(422, invalid(error.errors()))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        words = str(error.detail)
        if error.status_code == HTTPStatus.NOT_FOUND:
            words = f"there is nothing at {request.url.path}: see /api/v1/docs for what there is"
        return answer(error.status_code, words, error.headers)


def status_of(error: StudioError) -> int:
    """The status that says whose turn it is: the caller's (4xx) or the machine's (5xx)."""
    if isinstance(error, AbsentError):
        return HTTPStatus.NOT_FOUND
    if isinstance(error, QueueFullError | CardFullError):
        return HTTPStatus.SERVICE_UNAVAILABLE
    if isinstance(error, NotDoneError):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return HTTPStatus.INSUFFICIENT_STORAGE if isinstance(error, NotWrittenError) else 422


def invalid(faults: Any) -> str:
    """Pydantic's faults as one sentence: where, what, and what was given."""
    told = [_fault(one) for one in faults[:_TOLD]]
    return "; ".join(told) + (f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else "")


def _fault(fault: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path"))
    given = fault.get("input")
    shown = "" if given is None or isinstance(given, dict | list) else f", not {repr(given)[:_LETTERS]}"
    if fault["type"] == "json_invalid":
        return "the body is no JSON: send one with the header Content-Type: application/json"
    return f"{place or 'the body'}: {fault['msg'][:1].lower()}{fault['msg'][1:]}{shown}"
