"""The page's code speaks to the studio, its jobs and to value types only, and its files stay small."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = [ROOT / "app.py", *sorted((ROOT / "ui").glob("*.py"))]
ASSETS = [path for path in sorted((ROOT / "assets").glob("*")) if path.suffix in (".css", ".js", ".html")]
ALLOWED = {
    "eigenlorax.cases.census": {"CensusTaken", "census_of"},
    "eigenlorax.blending.conflict": {"Conflict"},
    "eigenlorax.blending.map": {"neighbours"},
    "eigenlorax.dials": {"Dials", "Region"},
    "eigenlorax.easel": {"Drawing"},
    "eigenlorax.events": {"drain", "retold"},
    "eigenlorax.export.cards": {"CardExport", "WrittenCard"},
    "eigenlorax.library.atomic": {"written_aside"},
    "eigenlorax.library.exports": {"exports_folder", "free_path"},
    "eigenlorax.library.card_content": {"CardKind"},
    "eigenlorax.studio": None,
    "eigenlorax.trigger_words": {"with_trigger_words"},
    "eigenlorax.jobs.sheeting": {"SHEET", "AxisAsked", "SheetAsked", "seconds_for", "sheet_wish"},
    "eigenlorax.sheets.axes": {"NO_STYLE", "AxisKind"},
    "eigenlorax.sheets.draw": {"missing", "plan_of", "title_of"},
    "eigenlorax.subspace.census": {"CensusProgress"},
    "eigenlorax.recipe": None,
    "eigenlorax.errors": None,
    "eigenlorax.export.request": {"CheckpointExport", "ExportResult", "LoRAExport", "Prediction"},
    "eigenlorax.formats.dialect": {"Dialect", "Precision"},
    "eigenlorax.formats.facts": {"facts", "relation_lines"},
    "eigenlorax.formats.report": {"ImportReport", "Verdict"},
    "eigenlorax.formats.shown_picture": {"opened"},
    "eigenlorax.library.controls": {"Controls"},
    "eigenlorax.library.notes": {"Note"},
    "eigenlorax.likeness": {"StyleLikeness"},
    "eigenlorax.http.access": {"Access", "Gate"},
    "eigenlorax.http.app": {"Door", "http_app"},
    "eigenlorax.http.beside": {"Beside"},
    "eigenlorax.jobs.asked": {"as_json"},
    "eigenlorax.jobs.carding": {"CARD"},
    "eigenlorax.jobs.comparing": {"BESIDE", "COMPARE", "CompareAsked"},
    "eigenlorax.jobs.compressing": {"CALIBRATE", "COMPRESS", "CalibrateAsked", "CompressAsked"},
    "eigenlorax.jobs.drawing": {"GENERATE", "REDRAW", "DrawAsked", "with_pictures_kept"},
    "eigenlorax.jobs.growing": {"GROW", "REFIT", "GrowAsked", "RefitAsked"},
    "eigenlorax.jobs.importing": {"IMPORT"},
    "eigenlorax.jobs.looking": {"LOOK", "REPORT", "LookAsked", "ReportAsked"},
    "eigenlorax.jobs.morphing": {"MORPH", "MorphAsked"},
    "eigenlorax.jobs.database": {"pictures_folder"},
    "eigenlorax.jobs.drops": {"keep_drops", "keep_together"},
    "eigenlorax.jobs.job": {"Facts", "Job", "JobPicture", "State", "Stop"},
    "eigenlorax.jobs.opening": {"open_jobs"},
    "eigenlorax.jobs.server": {"JobServer"},
    "eigenlorax.jobs.teaching": {"TRAIN"},
    "eigenlorax.jobs.previews": {"PREVIEWS"},
    "eigenlorax.jobs.versioning": {"USE", "UseAsked"},
    "eigenlorax.library.versions": {"Version"},
    "eigenlorax.subspaces.estimate": {"SizeEstimate"},
    "eigenlorax.subspaces.spectrum": {"PartSpectrum", "Spectrum"},
    "eigenlorax.cases.previews": {"PreviewWish"},
    "eigenlorax.cases.pictures": {
        "Compared",
        "Looking",
        "LookingProgress",
        "compare_pictures",
        "known_figures",
    },
    "eigenlorax.outputs.outputs": {"Outputs", "styles_in"},
    "eigenlorax.outputs.trash": {"Trash"},
    "eigenlorax.outputs.words": {"words_of"},
    "eigenlorax.cases.recall": {"Recalled", "Restored", "recall_file", "recall_text", "restored"},
    "eigenlorax.recall.control_text": {"control_name"},
    "eigenlorax.prompting": {"places"},
    "eigenlorax.home": {"APP_NAME", "DEMO_LORAS", "DEMO_MODEL", "MODEL", "data_home"},
    "eigenlorax.prompting.presets": {
        "PromptPreset",
        "keep_preset",
        "read_presets",
        "take_presets",
    },
    "eigenlorax.prompting.wildcards": {"filled_each", "literal", "wildcard_names"},
    "eigenlorax.runtime.options": None,
    "eigenlorax.runtime.paint": {"Preview", "Step"},
    "eigenlorax.runtime.plan": {"Needs", "Plan"},
    "eigenlorax.subspace.fidelity": {"Fidelity", "FidelityVerdict"},
    "eigenlorax.subspace.fit": {"FitProgress"},
    "eigenlorax.subspace.style": {"Style"},
    "eigenlorax.subspaces.calibrating": {"CalibratedStyles"},
    "eigenlorax.subspaces.desk": {"Compressed", "Making"},
    "eigenlorax.subspaces.growth": {"Added"},
    "eigenlorax.subspaces.refit": {"Refitted"},
    "eigenlorax.subspaces.wish": {"DEFAULT_RETAIN", "Outliers", "Wish"},
    "eigenlorax.subspaces.teaching": {"TeachRequest"},
    "eigenlorax.training.captions": {"Caption", "Origin", "Wording", "own_words", "worded"},
    "eigenlorax.training.pictures": {"LeftOut", "Taken", "picture_of", "survey"},
    "eigenlorax.training.teach_settings": {"PRESETS", "TeachSettings"},
}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_imports(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("eigenlorax"):
            names = ALLOWED[node.module or ""]
            assert names is None or {alias.name for alias in node.names} <= names
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("eigenlorax") for alias in node.names)


@pytest.mark.parametrize("path", [*SOURCES, *ASSETS], ids=lambda path: path.name)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 250


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    assert "//" not in path.read_text(encoding="utf-8").replace("\n//", "").removeprefix("//")
