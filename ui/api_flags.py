"""The flags of the HTTP interfaces: A1111's names where it has them."""

import argparse
import os
from urllib.parse import urlsplit

TOKEN = "EIGENLORAX_API_TOKEN"
_ANY = "*"


def add_api(parser: argparse.ArgumentParser) -> None:
    """Add them to the page's."""
    parser.add_argument(
        "--api", action="store_true", help="let other programs draw over HTTP, as A1111's --api does"
    )
    parser.add_argument("--mcp", action="store_true", help="offer tools to language models, at /mcp")
    parser.add_argument(
        "--api-token",
        metavar="TOKEN",
        default=os.environ.get(TOKEN),
        help=f"what programs must send as Authorization: Bearer (default: ${TOKEN})",
    )
    parser.add_argument(
        "--api-auth",
        type=_users,
        metavar="USER:PASSWORD",
        help="what programs must send as HTTP Basic; several are separated by commas",
    )
    parser.add_argument(
        "--cors-allow-origins",
        type=_origins,
        metavar="ORIGINS",
        default=(),
        help="web pages that may use the API, such as http://localhost:3000; separated by commas",
    )


def no_api(given: argparse.Namespace) -> str:
    """Why the interfaces cannot be opened so, or nothing."""
    has_secret = bool(given.api_token or given.api_auth)
    if not (given.api or given.mcp):
        lost = "--api-auth" if given.api_auth else "--cors-allow-origins" if given.cors_allow_origins else ""
        return f"{lost} is of the API: add --api or --mcp" if lost else ""
    door = "--api" if given.api else "--mcp"
    if (given.listen or given.share) and not has_secret:
        opened = "--share" if given.share else "--listen"
        return f"{opened} opens {door} to others, so it needs --api-token or --api-auth USER:PASSWORD"
    if _ANY in given.cors_allow_origins and not has_secret:
        return "--cors-allow-origins * lets any web page in, so it needs --api-token or --api-auth"
    return ""


def _users(text: str) -> dict[str, str]:
    pairs = [one.partition(":") for one in text.split(",")]
    if not all(user and password for user, _, password in pairs):
        raise argparse.ArgumentTypeError("write it as USER:PASSWORD, both non-empty")
    return {user: password for user, _, password in pairs}


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(one.strip() for one in text.split(",") if one.strip())
    for one in origins:
        parts = urlsplit(one)
        if one != _ANY and one != f"{parts.scheme}://{parts.netloc}":
            raise argparse.ArgumentTypeError(f"{one} is no origin: write it as http://localhost:3000")
    return origins
