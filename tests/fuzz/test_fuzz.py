"""A fixed sample of the long run (`python -m tests.fuzz`), JSON of any shape, and whether the watch sees at all."""

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eigenlorax.errors import InvalidFileError
from eigenlorax.runtime.sdxl import BaseModel
from tests.fuzz.ground import Ground
from tests.fuzz.parser import Parser
from tests.fuzz.parsers import PARSERS
from tests.fuzz.run import read_case, run_case
from tests.fuzz.watch import pickles_refused

CASES = 14
HANG_S = 10.0
JSON = [one for one in PARSERS if one.file_name.endswith((".json", ".info"))]

numbers = st.integers() | st.floats() | st.integers(-(10**400), 10**400)
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, base: BaseModel) -> Ground:
    return Ground(base, tmp_path_factory.mktemp("ground"))


def held(parser: Parser, ground: Ground, content: bytes) -> None:
    case = read_case(parser, ground, content, ground.scratch / "home")
    assert case.faults == () and case.cpu_s < HANG_S


@pytest.mark.parametrize("parser", PARSERS, ids=lambda one: one.name)
def test_good_files_are_read(parser: Parser, ground: Ground) -> None:
    told = [
        read_case(parser, ground, content, ground.scratch / "home").told
        for content in ground.made_for(parser.name, parser.good)
    ]
    assert "" in told  # others are of older formats and subspaces, or told of in words


@pytest.mark.parametrize("parser", PARSERS, ids=lambda one: one.name)
def test_a_sample_of_the_long_run(parser: Parser, ground: Ground) -> None:
    with pickles_refused():
        for number in range(CASES):
            case = run_case(parser, ground, number, ground.scratch / "home")
            assert case.faults == (), f"python -m tests.fuzz --parser '{parser.name}' --case {number}"
            assert case.cpu_s < HANG_S


@pytest.mark.parametrize("parser", JSON, ids=lambda one: one.name)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=values)
def test_json_of_any_shape(parser: Parser, ground: Ground, told: object) -> None:
    held(parser, ground, json.dumps(told).encode())


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b"\xff\xfe\0\0"]
)
def test_what_breaks_readers_of_text(ground: Ground, content: bytes) -> None:
    for parser in PARSERS:
        held(parser, ground, content)


def _outside(_: Ground, path: Path) -> None:
    (path.parent.parent / "stray").write_text("x")


def _elsewhere(_: Ground, path: Path) -> None:
    Path("/etc/passwd").read_text()


def _device(_: Ground, path: Path) -> None:
    (path.parent / "nul.txt").write_text("x")


def _pickle(_: Ground, path: Path) -> None:
    path.write_bytes(b"cpathlib\nPath\n.")
    with path.open("rb") as file:
        pickle._Unpickler(file).load()  # type: ignore[attr-defined]


def _link(_: Ground, path: Path) -> None:
    (path.parent / "link").symlink_to("/etc")
    (path.parent / "link" / "passwd").read_text()


def _stumbles(_: Ground, path: Path) -> None:
    raise KeyError("x")


def _refuses(_: Ground, path: Path) -> None:
    raise InvalidFileError("no")


@pytest.mark.parametrize(
    ("read", "words"),
    [(_outside, "outside its folder"), (_elsewhere, "outside its folder"), (_device, "takes for something else"),
     (_pickle, "pickle.find_class"), (_link, "outside its folder"), (_stumbles, "KeyError"), (_refuses, "")],
)  # fmt: skip
def test_the_watch_sees(ground: Ground, read: object, words: str) -> None:
    parser = Parser("x", "x.txt", lambda _: [b"x"], read)  # type: ignore[arg-type]
    case = read_case(parser, ground, b"x", ground.scratch / "home")
    assert any(words in fault for fault in case.faults) if words else case.faults == ()
