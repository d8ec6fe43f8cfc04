"""The command line of the page. Imports nothing heavy, so that --help and a refusal are instant."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eigenlorax.home import MODEL, data_home
from eigenlorax.runtime.options import AUTO, LoadOptions, Mode, Placement, Precision, Prediction
from ui.api_flags import add_api, no_api
from ui.language import LANGUAGES, of_system

DEFAULT_PORT = 7860
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"
_PLACEMENT_ALIASES = (
    (("--lowvram",), Placement.SEQUENTIAL),
    (("--medvram", "--medvram-sdxl"), Placement.MODEL_OFFLOAD),
    (("--cpu",), Placement.CPU),
)


@dataclass(frozen=True)
class Flags:
    """What the user asked for.

    Attributes:
        model: A folder, a .safetensors file or a hub id; None for the demo model.
        options: How the model is loaded and where its weights lie.
        data_dir: Where the library, the subspaces and the pictures are kept.
        control_dir: A folder of ControlNets beside those that are found by themselves.
        host: The address to listen on.
        port: None: 7860, or the next free one.
        share: Open a public tunnel.
        auth: User and password, when the page asks for them.
        open_browser: Whether to open a browser at start.
        language: The page's, one of `ui.language.LANGUAGES`.
        as_json: Print the address as one JSON document instead of words.
        api, mcp: Whether other programs, and language models, may ask over HTTP.
        api_token: For `Authorization: Bearer`; empty for none.
        api_users: User -> password for HTTP Basic.
        origins: Of web pages from elsewhere that may use the API.
    """

    model: str | None
    options: LoadOptions
    data_dir: Path
    host: str
    port: int | None
    share: bool
    auth: tuple[str, str] | None
    open_browser: bool
    language: str
    as_json: bool = False
    api: bool = False
    mcp: bool = False
    api_token: str = ""
    api_users: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[str, ...] = ()
    control_dir: Path | None = None


def parse_flags(arguments: Sequence[str] | None = None, program: str = "app.py") -> Flags:
    """Read the flags; what cannot be is refused on stderr with exit code 2.

    Args:
        arguments: As typed; None takes the process's own.
        program: What the user called, for messages and help.
    """
    parser = _parser(program)
    given = parser.parse_args(arguments)
    if (given.listen or given.share) and given.auth is None:
        opened = "--share" if given.share else "--listen"
        _refuse(program, f"{opened} opens the page to others, so it needs --auth USER:PASSWORD")
    if reason := no_api(given):
        _refuse(program, reason)
    return Flags(
        model=given.model,
        options=LoadOptions(
            precision=Precision(given.precision),
            vae=given.vae,
            half_vae=not given.no_half_vae,
            placement=Placement(given.placement),
            prediction=None if given.prediction == AUTO else Prediction(given.prediction),
            offline=given.offline,
            mode=Mode(given.engine),
        ),
        data_dir=given.data_dir.expanduser().resolve(),
        host=given.listen or LOOPBACK,
        port=given.port,
        share=given.share,
        auth=given.auth,
        open_browser=not given.no_browser,
        language=of_system() if given.language == AUTO else given.language,
        as_json=given.json,
        api=given.api,
        mcp=given.mcp,
        api_token=given.api_token or "",
        api_users=dict(given.api_auth or ()),
        origins=given.cors_allow_origins,
        control_dir=given.controlnet_dir,
    )


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description="EigenLoRAx Studio: many SDXL styles in one small subspace, as a page."
    )
    parser.add_argument(
        "--model",
        metavar="MODEL",
        default=os.environ.get(MODEL),
        help="SDXL folder, .safetensors file or hub id (default: the demo model)",
    )
    _add_loading(parser)
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        default=data_home(),
        help="where LoRAs, subspaces and pictures are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--controlnet-dir",
        type=_folder,
        metavar="DIR",
        help="a folder of ControlNets, beside those in the data folder and in folders in place",
    )
    parser.add_argument(
        "--port", type=_port, help=f"port (default: {DEFAULT_PORT}, or the next free one after it)"
    )
    parser.add_argument(
        "--listen",
        nargs="?",
        const=EVERYWHERE,
        metavar="IP",
        help="listen on this address, or on all without one; needs --auth",
    )
    parser.add_argument("--share", action="store_true", help="open a public Gradio link; needs --auth")
    parser.add_argument(
        "--auth", "--gradio-auth", type=_auth, metavar="USER:PASSWORD", help="ask for this user and password"
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument(
        "--language",
        choices=[AUTO, *LANGUAGES],
        default=AUTO,
        help="language of the page: English or Japanese (default: the system's)",
    )
    add_api(parser)
    parser.add_argument("--json", action="store_true", help="print the address as JSON, for a script")
    return parser


def _add_loading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--precision",
        choices=[precision.value for precision in Precision],
        default=AUTO,
        help="format of the weights (default: fp16 on a GPU, fp32 on a CPU)",
    )
    parser.add_argument(
        "--vae", metavar="VAE", default=AUTO, help="another VAE: .safetensors file, folder or hub id"
    )
    parser.add_argument("--no-half-vae", action="store_true", help="keep the VAE in fp32")
    parser.add_argument(
        "--prediction",
        choices=[AUTO, *(prediction.value for prediction in Prediction)],
        default=AUTO,
        help="what the model predicts, where it is not recognised (default: as recognised)",
    )
    parser.add_argument(
        "--engine",
        choices=[mode.value for mode in Mode],
        default=AUTO,
        help="how the UNet wears styles: in its weights or beside them (default: what the memory allows)",
    )
    parser.add_argument("--offline", action="store_true", help="take hub models from the local cache only")
    parser.add_argument(
        "--placement",
        choices=[placement.value for placement in Placement],
        default=AUTO,
        help="where the weights lie: all on the GPU, one part or one layer at a time, or on the CPU "
        "(default: the fastest that fits)",
    )
    for flags, placement in _PLACEMENT_ALIASES:
        parser.add_argument(
            *flags,
            dest="placement",
            action="store_const",
            const=placement.value,
            help=f"the same as --placement {placement.value}",
        )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: choose a number from 1 to 65535")
    return int(text)


def _folder(text: str) -> Path:
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder at {path}: check the path")
    return path


def _auth(text: str) -> tuple[str, str]:
    user, _, password = text.partition(":")
    if not user or not password:
        raise argparse.ArgumentTypeError("write it as USER:PASSWORD, both non-empty")
    return user, password


def _refuse(program: str, reason: str) -> None:
    print(f"{program}: {reason}", file=sys.stderr)
    raise SystemExit(2)
