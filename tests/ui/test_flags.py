"""The command line of the page: what is accepted, and what is refused in one line."""

from pathlib import Path

import pytest

from eigenlorax.runtime.options import LoadOptions, Placement, Precision, Prediction
from ui.flags import parse_flags


def test_defaults_are_private_and_local() -> None:
    flags = parse_flags([])
    assert (flags.host, flags.port, flags.share, flags.auth) == ("127.0.0.1", None, False, None)
    assert flags.model is None
    assert flags.open_browser
    assert flags.data_dir.name == "EigenLoRAx Studio"


def test_everything_given(tmp_path: Path) -> None:
    flags = parse_flags(
        ["--model", "owner/name", "--data-dir", str(tmp_path), "--port", "7900", "--listen", "192.168.1.5",
         "--share", "--auth", "me:se:cret", "--no-browser"]
    )  # fmt: skip
    assert flags.model == "owner/name"
    assert (flags.host, flags.port, flags.share) == ("192.168.1.5", 7900, True)
    assert flags.auth == ("me", "se:cret")
    assert flags.data_dir == tmp_path.resolve()
    assert not flags.open_browser


def test_loading_is_chosen_by_the_app_unless_told() -> None:
    assert parse_flags([]).options == LoadOptions()
    given = parse_flags(
        [
            "--precision",
            "bf16",
            "--vae",
            "x.safetensors",
            "--no-half-vae",
            "--prediction",
            "v-zero-snr",
            "--offline",
        ]
    )
    assert given.options == LoadOptions(
        Precision.BF16, "x.safetensors", False, Placement.AUTO, Prediction.V_ZERO_SNR, True
    )


@pytest.mark.parametrize(
    ("arguments", "placement"),
    [
        (["--lowvram"], Placement.SEQUENTIAL),
        (["--medvram"], Placement.MODEL_OFFLOAD),
        (["--medvram-sdxl"], Placement.MODEL_OFFLOAD),
        (["--cpu"], Placement.CPU),
        (["--placement", "gpu"], Placement.GPU),
        (["--placement", "model-offload"], Placement.MODEL_OFFLOAD),
    ],
)
def test_placements_by_the_names_of_other_apps(arguments: list[str], placement: Placement) -> None:
    assert parse_flags(arguments).options.placement is placement


def test_listen_without_an_address_is_everywhere() -> None:
    assert parse_flags(["--listen", "--gradio-auth", "me:secret"]).host == "0.0.0.0"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--listen"], "--listen opens the page to others, so it needs --auth USER:PASSWORD"),
        (["--listen", "10.0.0.1"], "needs --auth"),
        (["--share"], "--share opens the page to others"),
        (["--auth", "me"], "USER:PASSWORD"),
        (["--auth", ":secret"], "USER:PASSWORD"),
        (["--precision", "fp8"], "invalid choice"),
        (["--placement", "everywhere"], "invalid choice"),
        (["--port", "0"], "choose a number from 1 to 65535"),
        (["--port", "http"], "choose a number from 1 to 65535"),
    ],
)
def test_refusals(arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        parse_flags(arguments)
    assert refusal.value.code == 2
    assert reason in capsys.readouterr().err.splitlines()[-1]


def test_the_api_is_closed_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EIGENLORAX_API_TOKEN", raising=False)
    flags = parse_flags([])
    assert (flags.api, flags.mcp, flags.api_token, flags.api_users, flags.origins) == (
        False,
        False,
        "",
        {},
        (),
    )
    assert parse_flags(["--api"]).api_token == ""  # on this machine alone
    monkeypatch.setenv("EIGENLORAX_API_TOKEN", "secret")
    given = parse_flags(
        ["--api", "--listen", "--auth", "me:pw", "--cors-allow-origins", "http://a.example, *"]
    )
    assert (given.api_token, given.origins) == ("secret", ("http://a.example", "*"))
    assert parse_flags(["--mcp", "--api-auth", "ann:se:cret,bob:pw"]).api_users == {
        "ann": "se:cret",
        "bob": "pw",
    }


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--api", "--listen", "--auth", "me:pw"], "--listen opens --api to others, so it needs --api-token"),
        (["--mcp", "--share", "--auth", "me:pw"], "--share opens --mcp to others, so it needs --api-token"),
        (["--api", "--cors-allow-origins", "*"], "lets any web page in, so it needs --api-token"),
        (["--api", "--cors-allow-origins", "localhost:3000"], "localhost:3000 is no origin"),
        (["--api", "--cors-allow-origins", "http://a.example/page"], "is no origin"),
        (["--api", "--api-auth", "ann:pw,bob"], "USER:PASSWORD, both non-empty"),
        (["--api-auth", "ann:pw"], "--api-auth is of the API: add --api or --mcp"),
    ],
)  # fmt: skip
def test_an_api_for_anybody_is_refused(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EIGENLORAX_API_TOKEN", raising=False)
    with pytest.raises(SystemExit) as refusal:
        parse_flags(arguments)
    assert refusal.value.code == 2
    assert reason in capsys.readouterr().err.splitlines()[-1]
