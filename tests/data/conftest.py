"""Sets made of files without the guarded process, which costs half a second each time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vae.data import brought
from vae.data.intake import Choice, collect, given, survey
from vae.data.intake.make import make
from vae.data.intake.survey import Plan

Planned = Callable[..., Plan]
Bring = Callable[..., str]


@pytest.fixture
def planned() -> Planned:
    """Files to a plan."""

    def plan(path: Path, choice: Choice | None = None, seconds: float = 60.0) -> Plan:
        choice = choice or Choice()
        return survey.plan(collect.collect(given.gather(path), choice), choice, seconds)

    return plan


@pytest.fixture
def bring(planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bring:
    """Files to a set that is kept."""
    monkeypatch.setenv("MUSCOPE_HOME", str(tmp_path / "home"))

    def take(path: Path, choice: Choice | None = None, seconds: float = 60.0, **request: Any) -> str:
        set_id = brought.new_id()
        into = brought.make_aside(set_id)
        whole = {"id": set_id, "title": "Mine", "owner": "ada", "keep_days": None, "credit": ""} | request
        make(planned(path, choice, seconds), into, whole)
        brought.put_in_place(set_id)
        return set_id

    return take
