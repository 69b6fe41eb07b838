"""What comes along with a difference of groups: planted codes, where it is known."""

import numpy as np
import pytest

from vae.conditional import explained, freed, sides_of, slopes, step_between
from vae.errors import VAEError
from vae.explore.directions.groups import attribute_groups


def planted(count=4000, seed=0, confounded=0.9):
    """Codes that are a sum of what three attributes do, plus noise; the second goes with the first."""
    chance = np.random.default_rng(seed)
    first = chance.random(count) < 0.5
    second = chance.random(count) < np.where(first, confounded, 1 - confounded)
    third = chance.random(count)
    values = np.column_stack([first, second, third]).astype(np.float64)
    alone = chance.normal(size=(3, 6))
    return values @ alone + 0.5 * chance.normal(size=(count, 6)), values, alone


def test_slopes_are_what_each_attribute_does_alone():
    mu, values, alone = planted()
    assert np.abs(slopes(mu, values) - alone).max() < 0.12


def test_slopes_do_not_hang_on_the_unit_of_an_attribute():
    mu, values, _ = planted()
    scaled = slopes(mu, values * (1, 1e-9, 1e6)) * np.array([[1], [1e-9], [1e6]])
    np.testing.assert_allclose(scaled, slopes(mu, values), rtol=1e-6)


def test_an_attribute_that_is_always_the_same_moves_nothing():
    mu, values, _ = planted()
    assert np.abs(slopes(mu, np.column_stack([values, np.ones(len(mu))]))[-1]).max() < 1e-9


def test_what_came_along_is_taken_out_and_the_own_part_stays():
    mu, values, alone = planted()
    sides = sides_of(values[:, 0])
    whole = step_between(mu, sides)
    assert np.abs(whole - alone[0]).max() > 0.3  # with the second attribute, 0.8 of it
    rest = step_between(freed(mu, sides, values, np.array([False, True, False])), sides)
    np.testing.assert_allclose(rest, alone[0], atol=0.1)


def test_a_group_that_is_no_attribute_keeps_what_is_its_own():
    mu, values, _ = planted()
    chance = np.random.default_rng(5)
    sides = np.where(chance.random(len(mu)) < 0.5, 1, -1) * (chance.random(len(mu)) < 0.1)
    own = np.array([0.0, 0, 0, 0, 0, 3])
    mu = mu + np.outer(sides == 1, own)
    rest = step_between(freed(mu, sides, values, np.ones(3, bool)), sides)
    np.testing.assert_allclose(rest, own, atol=0.15)


def test_of_two_groups_that_differ_in_the_locked_attribute_nothing_would_be_left():
    mu, values, _ = planted(confounded=1.0)
    with pytest.raises(VAEError, match=r"nothing of the direction would be left: lock fewer"):
        freed(mu, sides_of(values[:, 0]), values, np.array([False, True, False]))


@pytest.mark.parametrize("values", [np.arange(30) % 2, np.linspace(0, 1, 31), np.r_[np.zeros(10), np.ones(5)]])
def test_sides_are_the_groups_that_people_see(values):
    groups = attribute_groups(values, "a")
    assert (sides_of(values) == groups.positive.astype(int) - groups.negative.astype(int)).all()


@pytest.mark.parametrize(
    ("values", "line"),
    [(np.r_[np.zeros(30), np.ones(4)], "4 images on its upper side"), (np.full(30, 2.0), "no upper and lower third")],
)
def test_an_attribute_without_two_sides_is_refused(values, line):
    with pytest.raises(VAEError, match=line):
        sides_of(values)


def test_explained_is_one_of_a_line_and_near_none_of_chance():
    chance = np.random.default_rng(0)
    sides = np.where(chance.random(500) < 0.5, 1.0, -1.0)
    assert explained(sides, sides[:, None] * 3 + 1) == pytest.approx(1)
    assert explained(sides, chance.normal(size=(500, 3))) < 0.05


def test_what_was_taken_out_is_only_what_was_locked():
    mu, values, alone = planted()
    rest = freed(mu, sides_of(values[:, 0]), values, np.array([False, True, False]))
    np.testing.assert_allclose(slopes(rest, values), alone * [[1], [0], [1]], atol=0.15)


def test_a_group_that_is_a_locked_attribute_mostly_keeps_what_is_its_own():
    mu, values, _ = planted()
    chance = np.random.default_rng(6)
    chosen = chance.random(len(mu)) < 0.5
    sides = np.where(chance.random(len(mu)) < 0.95, values[:, 2] > 0.5, values[:, 2] <= 0.5) * 2 - 1
    sides = np.where(chosen, sides, 0)
    own = np.array([0.0, 0, 0, 0, 0, 3])
    mu = mu + np.outer(sides == 1, own)
    rest = step_between(freed(mu, sides, values, np.array([False, False, True])), sides)
    assert rest[5] == pytest.approx(3, abs=0.35)
