import numpy as np
import pytest
from sklearn.decomposition import PCA

from vae.errors import VAEError
from vae.explore.projection import pca, place, umap


def blobs(dim=8, each=100, seed=0):
    """Three groups of codes, far apart: (mu (N, dim), group (N,))."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((3, dim)) * 3
    group = np.repeat(np.arange(3), each)
    return (centres[group] + 0.3 * generator.standard_normal((3 * each, dim))).astype(np.float32), group


# ---- PCA -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [2, 3, 16])
def test_pca_agrees_with_scikit_learn_up_to_the_sign(dim):
    mu = np.random.default_rng(0).standard_normal((200, dim)) * np.linspace(1, 3, dim) + 5
    ours, theirs = pca(mu), PCA(n_components=2).fit(mu.astype(np.float32))
    np.testing.assert_allclose(np.abs(ours.axes), np.abs(theirs.components_), atol=1e-4)
    np.testing.assert_allclose(ours.explained, theirs.explained_variance_ratio_, rtol=1e-4)
    np.testing.assert_allclose(np.abs(ours.xy), np.abs(theirs.transform(mu.astype(np.float32))), atol=1e-3)


def test_the_sign_of_an_axis_is_fixed_by_its_largest_number():
    mu = np.random.default_rng(0).standard_normal((100, 5)) * [5, 3, 1, 1, 1]
    for codes in (mu, -mu, mu[::-1]):
        for axis in pca(codes).axes:
            assert axis[np.argmax(np.abs(axis))] > 0
    np.testing.assert_allclose(pca(mu).axes, pca(-mu).axes, atol=1e-5)
    np.testing.assert_allclose(pca(mu).axes @ pca(mu).axes.T, np.eye(2), atol=1e-5)


def test_placing_the_codes_of_the_map_gives_the_map_and_the_mean_is_its_origin():
    mu, _ = blobs()
    view = pca(mu)
    np.testing.assert_allclose(view.place(mu), view.xy, atol=1e-4)
    np.testing.assert_allclose(view.xy.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(view.place(view.centre[None]), [[0, 0]], atol=1e-5)
    assert view.xy.dtype == view.explained.dtype == np.float32


def test_one_latent_dimension_lies_on_a_line():
    mu = np.float32([[1], [2], [4]])
    view = pca(mu)
    np.testing.assert_allclose(view.xy, [[-4 / 3, 0], [-1 / 3, 0], [5 / 3, 0]], atol=1e-6)
    assert view.explained.tolist() == [1, 0]


@pytest.mark.parametrize("mu", [np.full((7, 4), 0.1), np.full((1, 4), 3), np.zeros((5, 1))])
def test_codes_that_are_all_the_same_lie_on_one_point(mu):
    view = pca(mu)
    assert not view.xy.any() and not view.explained.any()


def test_pca_refuses_what_is_no_table_of_codes():
    for bad in (np.zeros(3), np.zeros((0, 3)), [[np.nan, 1]]):
        with pytest.raises(VAEError):
            pca(bad)
    with pytest.raises(VAEError, match="one model"):
        pca(np.eye(3)).place(np.eye(4))


# ---- UMAP: the one slow test here, some seconds of compiling -------------------------------------------------------


def test_umap_keeps_groups_together_repeats_and_tells_how_far_it_is():
    mu, group = blobs()
    seen = []
    xy = umap(mu, seed=0, progress=lambda done, total: seen.append((done, total)))
    assert xy.shape == (300, 2) and xy.dtype == np.float32 and np.isfinite(xy).all()
    assert xy.tobytes() == umap(mu, seed=0).tobytes()
    assert xy.tobytes() != umap(mu, seed=1).tobytes()

    distances = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (group[distances.argmin(axis=1)] == group).all()

    done = [step for step, _ in seen]
    assert done == sorted(done) and seen[-1] == (100, 100) and any(25 < step < 100 for step in done)


@pytest.mark.parametrize(
    "mu", [np.random.default_rng(0).standard_normal((30, 1)), np.full((30, 4), 2.5), np.repeat(np.eye(4), 10, axis=0)]
)
def test_umap_maps_a_line_a_single_point_and_many_copies(mu):
    assert np.isfinite(umap(mu, seed=0)).all()


def test_umap_of_too_few_images_points_to_pca():
    with pytest.raises(VAEError, match="PCA"):
        umap(np.eye(15), seed=0)
    with pytest.raises(VAEError, match="at least 2"):
        umap(np.eye(15), seed=0, neighbours=1)


# ---- new codes on a finished map -----------------------------------------------------------------------------------


def test_a_code_of_the_map_keeps_its_place_exactly():
    mu, _ = blobs()
    xy = np.random.default_rng(1).standard_normal((300, 2)).astype(np.float32)
    np.testing.assert_array_equal(place(mu, mu, xy), xy)


def test_a_new_code_is_drawn_to_its_nearest_by_inverse_square_distance():
    mu, xy = [[0.0], [3.0], [50.0]], [[0.0, 0.0], [10.0, 20.0], [99.0, 99.0]]
    # At 1 the weights are 1 and 1/4: a fifth of the way.
    np.testing.assert_allclose(place([[1.0]], mu, xy, k=2), [[2, 4]], rtol=1e-6)
    np.testing.assert_allclose(place([[2.0], [1e-20]], mu, xy, k=2), [[8, 16], [0, 0]], rtol=1e-6, atol=1e-6)


def test_a_new_code_lies_within_the_bounds_of_the_map_and_in_its_group():
    mu, group = blobs()
    xy = pca(mu).xy
    placed = place(mu + np.float32(0.05), mu, xy)
    assert (placed.min(axis=0) >= xy.min(axis=0)).all() and (placed.max(axis=0) <= xy.max(axis=0)).all()
    centres = np.stack([xy[group == g].mean(axis=0) for g in range(3)])
    assert (np.linalg.norm(placed[:, None] - centres, axis=2).argmin(axis=1) == group).all()


def test_placing_on_a_map_of_other_images_is_refused():
    for xy in (np.zeros((4, 2)), np.zeros((3, 3)), np.full((3, 2), np.nan)):
        with pytest.raises(VAEError):
            place(np.eye(3), np.eye(3), xy)
    with pytest.raises(VAEError):
        place(np.eye(2), np.eye(3), np.zeros((3, 2)))
