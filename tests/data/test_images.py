import dataclasses
from typing import Any

import numpy as np
import pytest

from vae.config import MAX_SIDE, MAX_VECTOR, MIN_SIDE
from vae.data import images as module
from vae.data import table
from vae.data.images import Images, public_name, split_by_hash, worded
from vae.errors import VAEError


def some(count: int = 6, **changes: Any) -> Images:
    generator = np.random.default_rng(0)
    fields: dict[str, Any] = {
        "name": "mnist",
        "split": "test",
        "pixels": generator.integers(0, 256, (count, 8, 10, 3), dtype=np.uint8),
        "labels": np.arange(count) % 2,
        "label_names": ("even", "odd"),
        "attributes": generator.random((count, 3), dtype=np.float32),
        "attribute_names": ("a", "b", "c"),
        "credit": "nobody",
    }
    return Images(**(fields | changes))


def test_shape_is_channels_first_and_vectors_are_flat() -> None:
    assert some().shape == (3, 8, 10)
    vectors = Images("table:x.csv", "train", np.zeros((4, 5), np.float32))
    assert vectors.shape == (5,)
    assert len(vectors) == 4


def test_taken_rows_keep_their_pixels_labels_attributes_and_ids() -> None:
    whole = some()
    assert whole.attributes is not None
    twice = whole.take([4, 1, 5]).take(np.array([True, False, True]))
    assert twice.ids() == ("mnist/test/4", "mnist/test/5")
    np.testing.assert_array_equal(twice.pixels, whole.pixels[[4, 5]])
    np.testing.assert_array_equal(twice.labels, [0, 1])
    np.testing.assert_array_equal(twice.attributes, whole.attributes[[4, 5]])
    assert twice.credit == "nobody"


def test_nobody_changes_shared_arrays_by_accident() -> None:
    whole = some()
    arrays: tuple[Any, ...] = (whole.pixels, whole.labels, whole.attributes, whole.index, whole.take(slice(2)).pixels)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        whole.split = "train"  # type: ignore[misc]


def test_the_callers_own_array_stays_writable() -> None:
    pixels = np.zeros((2, 8, 8, 1), np.uint8)
    Images("x", "train", pixels)
    pixels[0] = 1


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": np.zeros((6, 8, 8, 1), np.float32)},
        {"pixels": np.zeros((6, 8, 8), np.uint8)},
        {"pixels": np.zeros((6, 8, 0, 1), np.uint8)},
        {"split": "validation"},
        {"labels": np.zeros(5, np.int64)},
        {"labels": np.zeros(6, np.int32)},
        {"labels": np.full(6, 2)},
        {"labels": np.full(6, -1)},
        {"labels": None},
        {"label_names": ()},
        {"attributes": np.zeros((6, 2), np.float32)},
        {"attribute_names": ()},
        {"index": np.arange(5)},
    ],
)
def test_what_does_not_fit_together_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(VAEError) as caught:
        some(**changes)
    assert "\n" not in str(caught.value)


def test_batches_are_all_rows_in_order() -> None:
    whole = some(5)
    batches = list(whole.batches(2))
    assert [len(batch) for batch in batches] == [2, 2, 1]
    np.testing.assert_array_equal(np.concatenate(batches), whole.pixels)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("mnist", "mnist"),
        ("folder:/home/ada/secret/cats", "folder:cats"),
        ("folder:/home/ada/cats/", "folder:cats"),
        ("table:rows.csv", "table:rows.csv"),
        ("folder:/", "folder:data"),
    ],
)
def test_a_path_is_never_shown_whole(name: str, shown: str) -> None:
    assert public_name(name) == shown
    assert some(name=name).ids()[0] == f"{shown}/test/0"


def test_split_by_hash_sets_about_one_in_six_apart_and_ignores_the_others() -> None:
    generator = np.random.default_rng(0)
    keys = [generator.bytes(32) for _ in range(6000)]
    test = split_by_hash(keys)
    assert 900 <= test.sum() <= 1100  # 1000 expected, standard deviation 29
    np.testing.assert_array_equal(split_by_hash(keys[:3000]), test[:3000])


@pytest.mark.parametrize("number", [0, 1])
def test_split_by_hash_leaves_at_least_one_row_on_each_side(number: int) -> None:
    keys = [(number + 6 * row).to_bytes(8, "big") for row in range(4)]  # all would fall on one side
    assert 1 <= split_by_hash(keys).sum() <= 3


def test_limits_are_those_of_the_networks() -> None:
    assert (module.MIN_SIDE, module.MAX_SIDE, table.MAX_COLUMNS) == (MIN_SIDE, MAX_SIDE, MAX_VECTOR)


def test_of_vectors_the_same_words_are_about_rows() -> None:
    said = "An image of 12 images, 0.1 per pixel; imaging"
    assert worded(said, (1, 8, 8)) == said
    assert worded(said, (32,)) == "A row of 12 rows, 0.1 per number; imaging"
    assert worded("Images: 3, nats per image.", (32,)) == "Rows: 3, nats per row."
