"""Reading a full-size file takes hardly more memory than the factors that it gives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import headers
from tests.benchmarks.reading import shapes

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_reading_peaks_at_little_more_than_the_factors(tmp_path: Path) -> None:
    path = headers.write(tmp_path / "x.safetensors", shapes(headers.sdxl_layout(), rank=16))
    command = [sys.executable, "-m", "tests.benchmarks.reading", "--peak-of", str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout)
    assert found["factors_bytes"] > 200e6
    assert found["ratio"] < 1.2
