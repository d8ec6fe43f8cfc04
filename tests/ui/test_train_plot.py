"""The learning curve as a picture: what is marked, what is said, and that odd numbers do not break it."""

import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from ui.train_plot import best_of, learning_curve

TRAIN = [(step, 0.2 - 0.001 * step + 0.01 * (step % 3)) for step in range(1, 41)]
HELD = [(0, 0.16), (10, 0.15), (20, 0.141), (30, 0.1405), (40, 0.143)]


def svg(markup: str) -> ET.Element:
    return ET.fromstring(markup[markup.index("<svg") : markup.index("</svg>") + 6])


def test_the_best_measurement_is_marked_and_everything_is_said() -> None:
    drawn = svg(learning_curve(TRAIN, HELD, 60))
    (mark,) = [circle for circle in drawn.iter("circle") if "best" in circle.attrib["class"].split()]
    assert mark.findtext("title") == "step 30: held-out error 0.1405, the best so far, kept"
    heights = [float(circle.attrib["cy"]) for circle in drawn.iter("circle")]
    assert float(mark.attrib["cy"]) == max(heights)  # lower is better, and lower on the page
    assert drawn.findtext("title") == (
        "Learning curve: held-out error from 0.1600 at step 0 to 0.1430 at step 40, least 0.1405 at step 30"
    )
    assert [text.text for text in drawn.iter("text")].count("best: step 30") == 1
    right = max(
        float(point.split(",")[0])
        for line in drawn.iter("polyline")
        for point in line.attrib["points"].split()
    )
    assert right < 720 * 0.75  # 40 of 60 steps


def test_there_is_nothing_before_the_first_point_and_half_of_it_before_the_first_measurement() -> None:
    assert learning_curve([], [], 100) == ""
    assert "nothing measured yet" in learning_curve(TRAIN[:3], [], 100)
    assert best_of([]) is None
    assert best_of([(0, 0.5), (10, 0.5)]) == (0, 0.5)


POINTS = st.lists(
    st.tuples(st.integers(0, 500), st.floats(allow_nan=True, allow_infinity=True, width=32)), max_size=12
)


@given(POINTS, POINTS, st.integers(0, 1000))
def test_whatever_comes_stays_within_the_frame(train: list, held: list, steps: int) -> None:
    markup = learning_curve(train, held, steps)
    if markup:
        drawn = svg(markup)
        for line in drawn.iter("polyline"):
            for x, y in re.findall(r"(\S+),(\S+)", line.attrib["points"]):
                assert 0 <= float(x) <= 720 and 0 <= float(y) <= 306
        assert "nan" not in markup.lower()
