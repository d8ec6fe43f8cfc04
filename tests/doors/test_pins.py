"""What is installed, and what is asked for, lies past every advisory that this program could be hurt by."""

import re
from importlib.metadata import requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
#: Package -> the first version without it, the advisory, and what it was. Looked up in the PyPI advisory database
#: (github.com/pypa/advisory-database), osv.dev and the CVE list in November 2026.
ADVISORIES: tuple[tuple[str, str, str, str], ...] = (
    ("gradio", "4.11.0", "CVE-2023-51449", "any file through /file"),
    ("gradio", "6.6.0", "CVE-2026-28416", "requests to inner addresses by proxy_url"),
    ("gradio", "6.6.0", "CVE-2026-28415", "redirects to anywhere after a login"),
    ("gradio", "6.7.0", "CVE-2026-28414", "absolute paths on Windows with Python 3.13"),
    ("gradio", "6.15.0", "CVE-2026-48545", "cookies shared by all users of the proxy"),
    ("gradio", "6.16.0", "CVE-2026-49119", "FileExplorer leaves its folder"),
    ("gradio", "6.20.0", "CVE-2026-59806", "redirects and requests to inner addresses by /file"),
    ("starlette", "0.40.0", "CVE-2024-47874", "forms without end"),
    ("starlette", "0.47.2", "CVE-2025-54121", "large forms stop the server"),
    ("starlette", "0.49.1", "CVE-2025-62727", "quadratic time for a Range header"),
    ("starlette", "1.0.1", "CVE-2026-48710", "a Host header that changes the path"),
    ("starlette", "1.3.0", "PYSEC-2026-248", "a path that changes the host"),
    ("starlette", "1.3.1", "PYSEC-2026-249", "forms without end, url-encoded"),
    ("python-multipart", "0.0.18", "CVE-2024-53981", "time for what lies before a boundary"),
    ("python-multipart", "0.0.22", "CVE-2026-24486", "file names that are paths"),
    ("python-multipart", "0.0.26", "CVE-2026-40347", "time for what lies before and after the parts"),
    ("pillow", "12.2.0", "CVE-2026-40192", "a FITS picture that unpacks without end"),
    ("pillow", "12.3.0", "CVE-2026-59197", "writes outside of memory"),
    ("pillow", "12.3.0", "CVE-2026-59200", "writes outside of memory"),
    ("torch", "2.6.0", "CVE-2025-32434", "code in a checkpoint, weights_only or not"),
    ("torch", "2.13.0", "CVE-2025-3000", "memory overwritten by torch.jit.script"),
    ("transformers", "4.53.0", "GHSA-59p9-h35m-wg4g", "quadratic time in a tokenizer"),
    ("transformers", "5.2.1", "CVE-2026-5241", "code from a model's repository"),
    ("diffusers", "0.38.0", "CVE-2026-44513", "code from a pipeline's folder"),
    ("jinja2", "3.1.6", "CVE-2025-27516", "a template leaves its sandbox"),
    ("urllib3", "2.6.0", "CVE-2025-66471", "answers that unpack without end"),
)
ASKED = {
    found[1].lower(): found[2]
    for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    if (found := re.match(r"([\w.-]+)==([\w.]+)", line))
}


@pytest.mark.parametrize(("package", "safe", "advisory", "what"), ADVISORIES, ids=lambda one: one)
def test_what_is_installed_is_past_it(package: str, safe: str, advisory: str, what: str) -> None:
    assert Version(version(package)) >= Version(safe), f"{advisory}: {what}"


@pytest.mark.parametrize(
    ("package", "safe"), [row[:2] for row in ADVISORIES if row[0] in ASKED], ids=lambda one: one
)
def test_what_is_asked_for_is_past_it(package: str, safe: str) -> None:
    assert Version(ASKED[package]) >= Version(safe)


def test_every_package_is_pinned_to_one_version() -> None:
    lines = [
        line
        for line in (ROOT / "requirements.txt").read_text("utf-8").splitlines()
        if line[:1] not in ("", "#")
    ]
    assert len(lines) == len(ASKED)


def test_the_page_runs_on_what_gradio_says_it_does() -> None:
    """No pin forces a version on Gradio that it does not support."""
    for line in requires("gradio") or []:
        wanted = Requirement(line)
        if wanted.name.lower() in ASKED and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            assert Version(ASKED[wanted.name.lower()]) in wanted.specifier
