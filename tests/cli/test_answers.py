"""Every command: help that reads well, --json, errors in one line, and exit codes that scripts can trust."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from eigenlorax.cli import COMMANDS, GROUPS, app
from eigenlorax.cli.answer import Answer, as_command, table
from eigenlorax.cli.progress import watched
from eigenlorax.errors import InvalidFileError
from eigenlorax.library.atomic import written_aside

ROOT = Path(__file__).parent.parent.parent
NAMES = [[place.rpartition(".")[2]] for places in COMMANDS.values() for place in places] + [
    [group, name] for group, (_, members) in GROUPS.items() for name in members
]


def _answering(function: object) -> typer.Typer:
    own = typer.Typer()
    own.command()(as_command(function))  # type: ignore[arg-type]
    return own


@pytest.mark.parametrize("command", NAMES, ids=" ".join)
def test_help_says_what_it_does_and_how_to_get_json(command: list[str]) -> None:
    helped = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "120"})
    assert helped.exit_code == 0
    words = " ".join(helped.stdout.split())
    assert "--json" in words
    summary = words.split("─ Options")[0].partition("]")[2]
    assert "." in summary and len(summary) > 30


def test_the_whole_is_told_on_one_page() -> None:
    helped = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "120"}).stdout
    assert all(f"│ {command[0]} " in helped for command in NAMES)
    assert "130 stopped by Ctrl-C" in " ".join(helped.split())


def test_the_readme_names_every_command_and_no_other() -> None:
    table = (
        (ROOT / "README.md")
        .read_text(encoding="utf-8")
        .split("## From the command line")[1]
        .split("\n## ")[0]
    )
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    named = set(re.findall(r"`([a-z][a-z-]*(?: [a-z-]+)?)`", "\n".join(rows)))
    assert named == {" ".join(command) for command in [*NAMES, ["serve"]]}


def test_an_answer_is_lines_or_one_document() -> None:
    own = _answering(lambda: Answer({"path": Path("a"), "share": float("nan")}, ["one", "", "two"], 1))
    told = CliRunner().invoke(own, [])
    assert (told.stdout, told.exit_code) == ("one\ntwo\n", 1)
    told = CliRunner().invoke(own, ["--json"])
    assert (json.loads(told.stdout), told.exit_code) == ({"path": "a", "share": None}, 1)


def test_an_error_is_one_line_and_a_document() -> None:
    def broken() -> Answer:
        raise InvalidFileError("x is no\nfile: take y")

    told = CliRunner().invoke(_answering(broken), ["--json"])
    assert told.stderr == "error: x is no file: take y\n"
    assert json.loads(told.stdout) == {"error": "x is no file: take y"}
    assert told.exit_code == 1
    assert CliRunner().invoke(_answering(broken), []).stdout == ""


def test_ctrl_c_closes_the_work_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    def stopped() -> Answer:
        def work():
            with written_aside(tmp_path / "out.bin") as aside:
                aside.write_bytes(b"half")
                yield object()
                raise KeyboardInterrupt

        watched("Working", work())
        return Answer({})

    told = CliRunner().invoke(_answering(stopped), [])
    assert told.exit_code == 130
    assert "nothing is half-written" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_progress_stands_on_stderr_alone() -> None:
    class Step:
        done = total = 3

    def worked() -> Answer:
        def work():
            yield Step()
            return 7

        return Answer({"made": watched("Working", work())})

    told = CliRunner().invoke(_answering(worked), ["--json"])
    assert json.loads(told.stdout) == {"made": 7}
    assert "Working" in told.stderr and "3/3" in told.stderr


def test_a_table_stands_in_columns_with_numbers_to_the_right() -> None:
    assert table(("name", "kept"), [("a", "9.5%"), ("longer", "12.25%")]) == [
        "name      kept",
        "a         9.5%",
        "longer  12.25%",
    ]
    assert table(("name", "kept"), []) == ["name  kept"]


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["generate"], ["generate", "x", "--steps", "many"], ["serve", "--nope"]]
)
def test_what_is_no_command_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(arguments, prog_name="eigenlorax")
    assert ended.value.code == 2


def test_serve_is_the_page_with_the_pages_flags(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["serve", "--listen"])
    refused = capsys.readouterr().err
    assert refused.splitlines() == [
        "eigenlorax serve: --listen opens the page to others, so it needs --auth USER:PASSWORD"
    ]
    told = CliRunner().invoke(app, ["--precision", "fp32", "serve"])
    assert told.exit_code == 2 and "stand behind" in told.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["library"], ["serve", "--help"], ["version"], ["jobs", "list"], ["wildcards", "list"]],
    ids=" ".join,
)
def test_what_needs_no_model_imports_no_torch(arguments: list[str], tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['torch'] = None; from eigenlorax.__main__ import main; "
        f"sys.argv[1:] = {arguments!r}; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={**os.environ, "EIGENLORAX_DATA_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (2 if arguments == ["library"] else 0, "")
    assert done.stdout


def test_a_missing_package_is_named() -> None:
    script = "import sys; sys.modules['torch'] = None; sys.argv[1:] = ['versions']; from eigenlorax.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == "eigenlorax: torch is missing: run  pip install -r requirements.txt\n"
