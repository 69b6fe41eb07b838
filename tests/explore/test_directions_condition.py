import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vae.errors import VAEError
from vae.explore.directions.condition import images_where

COLUMNS = {"smile": np.array([0.2, 0.8, 0.9]), "long_hair": np.array([0, 1, 0.0]), "3": np.array([1, 0, 0.0])}


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("smile", [1, 2]),
        ("smile > 0.7 and not long hair", [2]),
        ("Smile>=.8 AND long_hair = 1", [1]),
        ("0.5 < smile", [1, 2]),
        ("0.8 >= smile", [0, 1]),
        ("3 or smile = 0.9", [0, 2]),
        ("3 = 1", [0]),
        ("not (smile or 3)", []),
        ("not smile or smile", [0, 1, 2]),
        ("long hair or smile and 3", [1]),  # and binds closer
        ("(long hair or smile) and not “long hair”", [2]),
        ('"long hair" != 1', [0, 2]),
    ],
)
def test_a_condition_is_read_as_it_is_meant(text, rows):
    assert np.flatnonzero(images_where(text, COLUMNS)).tolist() == rows


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "The condition is empty: type one such as “smile and not long hair”"),
        ("hat", "Nothing called “hat” is known of these images: choose among smile"),
        ("smile smile", "Nothing called “smile smile”"),
        ("(smile", "never closed"),
        ("smile)", "“\\)” comes unexpected"),
        ("smile >", "has no number"),
        ("smile > hat", "has no number"),
        ("smile > nan", "has no number"),
        ("smile and", "A name is missing at the end"),
        ("and smile", "A name is missing before “and”"),
        ("smile ! 3", "cannot be read"),
        ("smile " * 99, "longer than 300"),
        ("not " * 30 + "smile", "more than 20"),
        ("__import__('os').system('true')", "Nothing called “__import__”"),
    ],
)
def test_a_condition_that_cannot_be_read_says_what_would_do(text, says):
    with pytest.raises(VAEError, match=says):
        images_where(text, COLUMNS)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='smile 3><=!()andortlghy0.7“”"_', max_size=60))
def test_whatever_is_typed_gives_images_or_one_line(text):
    try:
        assert images_where(text, COLUMNS).shape == (3,)
    except VAEError as error:
        assert "\n" not in str(error)
