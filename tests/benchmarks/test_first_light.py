"""What the measurement says of its figures: the middle one decides, and nothing is passed over."""

import pytest

from benchmarks.first_light import FIRST_PICTURE, FRAME, POINTS, Times, report, table


@pytest.fixture
def times() -> Times:
    return Times(
        picture=[3.0, 4.0, 30.0],
        frames={"Map": [0.5, 0.1, 0.3]},
        points={"mnist": [1.0, 2.0, 3.0]},
        counts={"mnist": 70_000},
    )


def test_the_median_is_held_against_the_bar(times: Times) -> None:
    assert times.missed() == []
    times.picture.append(31.0)
    assert times.missed() == ["first decoded picture, from `streamlit run app.py`"]


@pytest.mark.parametrize(("part", "bar"), [("frames", FRAME), ("points", POINTS)])
def test_every_page_and_every_map_has_its_bar(times: Times, part: str, bar: float) -> None:
    (name,) = getattr(times, part)
    getattr(times, part)[name] = [bar, bar, bar]
    assert times.missed() == []
    getattr(times, part)[name] = [bar + 0.01] * 3
    assert len(times.missed()) == 1 and name in times.missed()[0]


def test_the_table_shows_median_least_most_and_what_was_missed(times: Times) -> None:
    times.frames["Map"] = [2.5, 2.1, 2.3]
    rows = table(times).splitlines()[2:]
    assert rows[0] == (
        f"| first decoded picture, from `streamlit run app.py` | 4.00 s | 3.00 to 30.00 s | {FIRST_PICTURE:g} s |"
    )
    assert "2.30 s **missed** | 2.10 to 2.50 s" in rows[1]
    assert "70,000 points, mnist" in rows[2]


def test_what_was_asked_of_other_machines_is_named(times: Times) -> None:
    assert "Asked of other machines: nothing." in report(times, "A machine.", 0.1)
    times.elsewhere.add("https://fonts.example")
    assert "Asked of other machines: https://fonts.example." in report(times, "A machine.", 0.1)
