"""The hole between the clusters: known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.errors import VAEError
from vae.evaluate.estimate import Estimate, share
from vae.evaluate.pictures.between import Between, contrast, measure_between


def judge(recognised, label=lambda z: (z[:, 0] > 0).astype(int)):
    return lambda pictures: (recognised(pictures), label(pictures))


def test_only_what_lies_near_a_cluster_is_recognised():
    """Two far clusters, a judge that knows nothing else: half way between them lies nothing."""
    centres = np.array([[-3.0, 0], [3, 0]])
    labels = np.arange(200) % 2
    mu = centres[labels] + np.random.default_rng(0).normal(size=(200, 2)) * 0.1
    near = lambda z: np.min([np.linalg.norm(z - centre, axis=1) for centre in centres], axis=0) < 1  # noqa: E731
    found = measure_between(mu, labels, lambda z: z, judge(near), points=300)
    assert (found.halfway.value, found.at.value, found.points, found.classes) == (0.0, 1.0, 300, 2)
    third = measure_between(mu, labels, lambda z: z, judge(lambda z: np.abs(z[:, 0]) < 1), points=300)
    assert (third.halfway.value, third.at.value) == (1.0, 0.0)


def test_draws_of_the_prior_are_standard_normal_and_their_kinds_are_counted():
    labels = np.arange(20) % 2
    mu = np.random.default_rng(0).normal(size=(20, 3)) * 9
    ask = lambda label: measure_between(mu, labels, lambda z: z, judge(within, label), points=4000)  # noqa: E731
    within = lambda z: np.abs(z[:, 1]) < 1  # noqa: E731
    found = ask(lambda z: (z[:, 0] > 0).astype(int) + 2 * (z[:, 2] > 0))
    assert found.prior.low < 0.6827 < found.prior.high  # of a normal within one standard deviation
    assert found.kinds == pytest.approx(4, rel=0.01)
    assert ask(lambda z: np.zeros(len(z), int)).kinds == 1


def test_pairs_are_of_different_classes_the_same_for_two_models_and_in_turn():
    labels = np.array([0] * 95 + [1] * 5)
    seen = []

    def decode(z):
        seen.append(z[:, 0])
        return z

    for _ in range(2):
        measure_between(
            np.stack([labels, np.arange(100)], axis=1), labels, decode, judge(lambda z: z[:, 0] > 0), seed=1
        )
    halfway = np.concatenate(seen[:4])
    assert (halfway == 0.5).all() and len(halfway) == 1000  # a half of each class, never two of one
    assert all(np.array_equal(one, other) for one, other in zip(seen[:12], seen[12:], strict=True))


shares = st.integers(0, 1000).map(lambda hits: share(hits, 1000))
models = st.builds(Between, shares, shares, shares, st.floats(1, 10), st.just(10), st.just(1000))


@given(models, models)
def test_what_is_said_of_two_models_is_what_their_figures_say(a, b):
    halfway, prior, kinds = contrast("Ada", a, "Bob", b)
    for said, one, other in ((halfway, a.halfway, b.halfway), (prior, a.prior, b.prior)):
        if "overlap" in said:
            assert max(one.low, other.low) <= min(one.high, other.high)
        else:
            assert ("“Ada” draws" in said) == (one.value > other.value)
            first, second = (f"{value:.1%}" for value in sorted((one.value, other.value), reverse=True))
            assert f"{first} against {second}" in said
    assert f"{a.kinds:.1f} of 10 kinds by “Ada”, over {b.kinds:.1f} by “Bob”" in kinds


def test_the_ends_of_two_intervals_that_touch_are_no_lead():
    low, high = Estimate(0.1, 0.05, 0.2), Estimate(0.3, 0.2, 0.4)
    a, b = (Between(each, each, each, 2.0, 10, 1000) for each in (low, high))
    assert all("overlap" in said for said in contrast("Ada", a, "Bob", b)[:2])


def test_one_class_has_no_between():
    with pytest.raises(VAEError, match="two of them"):
        measure_between(np.zeros((5, 2)), np.zeros(5, int), lambda z: z, judge(lambda z: z[:, 0] > 0))
