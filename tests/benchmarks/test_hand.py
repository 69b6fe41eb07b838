"""What is made of the times that a hand on a knob was measured with."""

from dataclasses import replace

import pytest

from benchmarks.live.hand import MODELS, Drag, kept, middle, written

QUICK = Drag(events=375, waits=(6.0,) * 95 + (20.0,) * 5, pictures=110.0, frames=60.0)
SLOW = {(model, collect): 100.0 if collect else 40.0 for model in MODELS for collect in (False, True)}


def rounds(**changes: object) -> dict[str, list[Drag]]:
    """Good figures for every model but the last, which has these."""
    return {model: [QUICK] for model in MODELS[:-1]} | {MODELS[-1]: [replace(QUICK, **changes)]}


def test_what_is_promised_holds_or_does_not() -> None:
    assert kept(rounds(), SLOW)
    assert not kept(rounds(waits=(13.0,) * 100), SLOW | dict.fromkeys(SLOW, 1000.0))  # the middle one
    assert not kept(rounds(waits=(6.0,) * 90 + (40.0,) * 10), SLOW)  # the slow ones
    assert not kept(rounds(pictures=59.0), SLOW)
    assert not kept(rounds(), SLOW | {(MODELS[0], False): 23.0})  # less than four times
    assert not kept(rounds(), SLOW | {(MODELS[-1], True): 59.0})  # less than ten times


def test_the_middle_round_is_the_one_that_is_told() -> None:
    three = [replace(QUICK, waits=(wait,) * 20, events=int(wait)) for wait in (9.0, 5.0, 7.0)]
    assert middle(three).events == 7
    table = written({MODELS[0]: three}, SLOW, "the command")
    (row,) = (line for line in table.splitlines() if line.startswith(f"| {MODELS[0]} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:4] == ["7", "7.0 ms", "7.0 ms"] and "`the command`" in table
    assert float(cells[7]) == pytest.approx(40 / 7, abs=0.05) and float(cells[9]) == pytest.approx(100 / 7, abs=0.05)
