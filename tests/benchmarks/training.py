"""Few-shot teaching against PEFT LoRA and the paper's form, with rates tuned on other styles with equal effort.

    python -m tests.benchmarks.training tune --workers 12 --json OUT/tune.jsonl --rates OUT/rates.json
    python -m tests.benchmarks.training run --workers 12 --json OUT/runs.jsonl --rates OUT/rates.json \
        [--draw OUT/pictures --subjects subjects.tsv] [--variants FILE] [--settings JSON] [--shots 4 8 20] [--seeds 0 1 2]
    python -m tests.benchmarks.training run --workers 1 --json OUT/pace.jsonl --styles p-icon-park --shots 8 --seeds 0 1
    python -m tests.benchmarks.training summarise --json OUT/runs.jsonl [--pace OUT/pace.jsonl] [--judged DIR] [--html FILE]

All contenders see the same pictures, batches, timesteps, noise and loss, are measured at the same steps and stop
by the same held-out error; TEST (20 pictures of other subjects) is only written down. Steps and seconds count the
search for a start, seconds also held-out measurements, neither counts TEST; workers share the device, so `--pace`
takes the seconds of a step from runs of one worker. `--graph` records steps as CUDA graphs. A stopped run goes on
where its file ends. `subjects.tsv` is what assets/build/subjects.py prints. Pictures are scored by contender and
number of pictures, for example
    python assets/build/judge.py score --heads heads.npz --pictures OUT/pictures \
        --manifest OUT/pictures/ours-8.jsonl --json DIR/ours-8.json
The experiments behind the defaults: tune --variants tests/benchmarks/fewshot_variants.json.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from eigenlorax.training.teach_settings import TeachSettings
from tests.benchmarks.fewshot_contenders import Contender, contenders
from tests.benchmarks.fewshot_drawing import pack, stem
from tests.benchmarks.fewshot_ground import IMAGES
from tests.benchmarks.fewshot_plots import figure, page
from tests.benchmarks.fewshot_pool import Work, perform_all
from tests.benchmarks.fewshot_runs import Row, Run, rows_of
from tests.benchmarks.fewshot_sheet import sheet
from tests.benchmarks.fewshot_summary import paces, report, summary

TUNING = ("p-icon-park", "stained-glass")
#: Pictures of the runs that a figure shows.
_SHOWN = 8
TESTED = ("streamline-emojis", "game-icons", "p-ph-duotone", "mosaic")


def tuned(rows: Sequence[Row], chosen: Sequence[Contender]) -> dict[str, float]:
    """Contender -> the rate with the least TEST error on the tuning styles, relative to the base's, on average.

    Only material that every rate of a contender has seen counts.
    """
    rates = {}
    for one in chosen:
        tests: dict[float, dict[tuple[int, str, int], float]] = {rate: {} for rate in one.rates}
        for row in rows:
            if row["contender"] == one.name and row["rate"] in tests:
                seen = row["shots"], row["style"], row["seed"]
                tests[row["rate"]][seen] = row["kept"]["test"] / row["base_test"]
        common = set.intersection(*(set(own) for own in tests.values()))
        if not common:
            print(f"{one.name:20} not tuned: no material that all rates have seen")
            continue
        means = {rate: fmean(own[seen] for seen in common) for rate, own in tests.items()}
        best = min(means, key=lambda rate: means[rate])
        edge = " - at the edge: extend its rates" if best in (one.rates[0], one.rates[-1]) else ""
        told = "  ".join(f"{rate:g}: {mean:.4f}" for rate, mean in means.items())
        print(f"{one.name:20} {told}  -> {best:g} ({len(common)} of each){edge}")
        rates[one.name] = best
    return rates


def _tune(given: argparse.Namespace) -> None:
    chosen = contenders(given.contenders, given.variants)
    runs = [
        Run(one, IMAGES / style, shots, seed, rate)
        for shots in given.shots or [8]
        for seed in given.seeds or [0, 1]
        for style in given.styles or TUNING
        for one in chosen
        for rate in one.rates
    ]
    rows = perform_all(runs, _work(given), given.json, given.workers, given.limit)
    old = json.loads(given.rates.read_text()) if given.rates.is_file() else {}
    given.rates.write_text(json.dumps(old | tuned(rows, chosen), indent=1) + "\n")


def _run(given: argparse.Namespace) -> None:
    rates = json.loads(given.rates.read_text()) if given.rates else {}
    chosen = contenders(given.contenders, given.variants)
    runs = [
        Run(one, IMAGES / style, shots, seed, rates.get(one.name, one.rates[len(one.rates) // 2]))
        for shots in given.shots or [8, 4, 20]
        for seed in given.seeds or [0, 1, 2]
        for style in given.styles or TESTED
        for one in chosen
    ]
    rows = perform_all(runs, _work(given), given.json, given.workers, given.limit)
    if given.draw:
        for path in pack(rows, given.draw):
            print(f"{path}: {path.stat().st_size:,} B")


def _summarise(given: argparse.Namespace) -> None:
    rows = rows_of(given.json)
    pace = paces(rows_of(given.pace)) if given.pace else None
    names = {
        stem(f"{row['contender']} | {row['shots']}"): f"{row['contender']} | {row['shots']}" for row in rows
    }
    judged = {
        names[path.stem]: json.loads(path.read_text(encoding="utf-8"))
        for path in (sorted(given.judged.glob("*.json")) if given.judged else [])
        if path.stem in names
    }
    told = report(rows, given.ours, pace, judged)
    print(told)
    if given.html:
        given.html.write_text(page(rows, told), encoding="utf-8")
    if given.figure:
        given.figure.write_text(figure(rows, _SHOWN), encoding="utf-8")
    if given.sheet:
        sheet(rows, given.drawn, given.sheet_of, _subjects(given.subjects), _SHOWN).save(given.sheet)
    if given.summary:
        given.summary.write_text(json.dumps(summary(rows, given.ours, judged), indent=1) + "\n")


def _work(given: argparse.Namespace) -> Work:
    settings = replace(TeachSettings(), **json.loads(given.settings))
    settings.check_ranges()
    subjects = _subjects(given.subjects) if given.subjects else None
    return Work(settings, given.graph, Path(tempfile.mkdtemp(prefix="latents-")), given.draw, subjects)


def _subjects(path: Path) -> dict[str, str]:
    """Caption -> subject."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    return {caption: name for name, caption in lines}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    for name, run in (("tune", _tune), ("run", _run)):
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        command.add_argument("--workers", type=int, default=1, help="processes that share the device")
        command.add_argument("--json", type=Path, required=True, help="JSON lines, appended to")
        command.add_argument(
            "--limit", type=float, default=float("inf"), help="begin nothing after so many seconds"
        )
        command.add_argument("--rates", type=Path, required=name == "tune", help="JSON {contender: rate}")
        command.add_argument("--variants", type=Path, help="JSON {name: {form, rates, options}}")
        command.add_argument("--contenders", nargs="*", default=[], help="only these")
        command.add_argument("--styles", nargs="*")
        command.add_argument("--shots", type=int, nargs="*")
        command.add_argument("--seeds", type=int, nargs="*")
        command.add_argument("--settings", default="{}", help="JSON of TeachSettings' fields, for all")
        command.add_argument(
            "--graph", action="store_true", help="record steps as CUDA graphs, for all alike"
        )
        command.add_argument("--draw", type=Path, help="folder for pictures, manifests and tar files")
        command.add_argument("--subjects", type=Path, help="what may be drawn: name<TAB>caption lines")
    command = commands.add_parser("summarise")
    command.set_defaults(run=_summarise)
    command.add_argument("--json", type=Path, required=True, help="JSON lines of `run`")
    command.add_argument("--ours", default="ours", help="the contender that the bars are about")
    command.add_argument("--pace", type=Path, help="JSON lines of runs of one worker")
    command.add_argument("--judged", type=Path, help="folder of the judge's JSON, each named as its manifest")
    command.add_argument("--html", type=Path, help="page with charts to write")
    command.add_argument("--figure", type=Path, help=f"SVG of the runs with {_SHOWN} pictures to write")
    command.add_argument("--sheet", type=Path, help="picture to write: what --sheet-of has drawn")
    command.add_argument("--sheet-of", nargs="*", default=["ours"], help="contenders, from above")
    command.add_argument("--drawn", type=Path, help="folder of what was drawn")
    command.add_argument("--subjects", type=Path, help="as of `run`")
    command.add_argument("--summary", type=Path, help="JSON to write")
    given = parser.parse_args()
    given.run(given)


if __name__ == "__main__":
    main()
