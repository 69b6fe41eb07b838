"""Settings say what they are, go through JSON unchanged, and are refused in one line where they cannot work."""

import json
import math
from typing import Any

import pytest

from vae.errors import VAEError
from vae.train.settings import Objective, Settings, check_beta, check_rate, usual_epochs

FULL = Settings(7, 2.5, 64, 3e-4, 11, 0.25, Objective("cyclical", 0.3, 6, 1.5), "float32")


@pytest.mark.parametrize("settings", [Settings(), FULL])
def test_settings_go_through_json(settings: Settings) -> None:
    assert Settings.from_json(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"seed": None},
        {"objective": {"kind": "fixed"}},
        {"objective": None},
        {"objective": {"kind": "fixed", "rise": 0.5, "cycles": 4, "nats": 0.5, "more": 1}},
        {"minutes": -1},
        {"minutes": math.nan},
        {"precision": "float16"},
        {"batch_size": 100_000},
    ],
)
def test_what_is_not_quite_settings_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(VAEError) as caught:
        Settings.from_json(FULL.to_json() | change)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [None, [], {}, {"epochs": 3}])
def test_what_is_not_settings_at_all_is_refused(data: Any) -> None:
    with pytest.raises(VAEError, match="start another"):
        Settings.from_json(data)


def test_a_change_is_checked_as_a_setting_is() -> None:
    for rate in (1e-6, 0.5, 1):
        check_rate(rate)
    for beta in (0, 1, 784.0):
        check_beta(beta)
    for rate in (0, -1, 1.5, math.nan, math.inf, None, True, "0.1"):
        with pytest.raises(VAEError, match="learning rate"):
            check_rate(rate)
    for beta in (-1, math.nan, math.inf, None, True, "1"):
        with pytest.raises(VAEError, match="beta"):
            check_beta(beta)


def test_a_small_set_is_gone_over_more_often() -> None:
    assert usual_epochs(60_000) == usual_epochs(12_000) == 10
    assert usual_epochs(1_437) == 55
    assert usual_epochs(1) == 200
