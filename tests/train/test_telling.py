"""What is said of a step: how long the rest takes."""

import pytest
import torch

from vae.train.standing import Standing
from vae.train.telling import seconds_left


@pytest.mark.parametrize(("minutes", "left"), [(None, 90.0), (10.0, 90.0), (1.0, 50.0), (0.1, 0.0)])
def test_what_is_left_goes_at_the_pace_so_far_and_never_beyond_the_minutes(minutes: float | None, left: float) -> None:
    now = Standing(100, 2, 10, 1.0, 0.01, 0, torch.device("cpu"))  # 20 steps
    now.step = 2
    now.clock.elapsed = 10.0
    assert seconds_left(now, minutes) == left
