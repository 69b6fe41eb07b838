"""An image keeps its side of the split when others come, go, or change places."""

import numpy as np

from vae.data.images import split_by_hash


def test_the_side_belongs_to_the_key_and_not_to_its_place() -> None:
    generator = np.random.default_rng(1)
    keys = [generator.bytes(32) for _ in range(600)]
    side = dict(zip(keys, split_by_hash(keys).tolist(), strict=True))
    for some in (keys[::-1], keys[1:], [keys[row] for row in generator.permutation(600)[:300]]):
        assert split_by_hash(some).tolist() == [side[key] for key in some]
    assert side[keys[0]] == (int.from_bytes(keys[0][:8], "big") % 6 == 0)
