"""Encodings are the model's own mu, come back from their file, and know each image by a stable id."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from torch.distributions import Normal, kl_divergence

from vae.config import Config
from vae.data.images import Images
from vae.encodings import Encodings, encode, join, load_encodings, save_encodings
from vae.errors import VAEError
from vae.model import VAE


def some(count: int = 6, **changes: Any) -> Encodings:
    chance = np.random.default_rng(0)
    columns: dict[str, Any] = {
        "mu": chance.normal(size=(count, 3)).astype(np.float32),
        "logvar": chance.normal(size=(count, 3)).astype(np.float32),
        "recon_error": chance.random(count).astype(np.float32),
        "split": np.arange(count).astype(np.uint8) % 2,
        "index": np.arange(count, dtype=np.int32) * 7,
        "labels": np.arange(count, dtype=np.int64) % 3,
        "label_names": ("a", "b", "ç"),
        "attributes": chance.random((count, 2)).astype(np.float32),
        "attribute_names": ("smile", "hat"),
        "maps": {"pca": chance.normal(size=(count, 2)).astype(np.float32)},
    }
    return Encodings(**(columns | changes))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with encodings in it."""
    save_encodings(tmp_path / "mine", some())
    return tmp_path / "mine"


def test_encodings_are_the_models_mu_and_repeat(vae: VAE, images: Images) -> None:
    before = torch.get_rng_state()
    enc, again = encode(vae, images), encode(vae, images)
    assert torch.equal(before, torch.get_rng_state())
    assert (enc.mu == again.mu).all() and (enc.recon_error == again.recon_error).all()
    x = torch.from_numpy(images.pixels.copy()).permute(0, 3, 1, 2).float() / 255
    q = vae.encode(x)
    np.testing.assert_allclose(enc.mu, q.mu.detach(), atol=1e-6)
    np.testing.assert_allclose(enc.logvar, q.logvar.detach(), atol=1e-6)
    error = ((vae.decode(q.mu) - x) ** 2).mean(dim=(1, 2, 3))  # at mu, not at a draw
    np.testing.assert_allclose(enc.recon_error, error.detach(), atol=1e-6)
    assert enc.mu.dtype == enc.logvar.dtype == enc.recon_error.dtype == np.float32


def test_encodings_carry_what_is_known_of_the_images(vae: VAE, images: Images) -> None:
    enc = encode(vae, images)
    assert len(enc) == 12 and enc.latent_dim == 3
    assert enc.labels is images.labels and enc.label_names == ("even", "odd")
    assert enc.attributes is images.attributes and enc.attribute_names == ("light",)
    assert enc.split.tolist() == [1] * 12 and enc.split.dtype == np.uint8
    assert enc.index.tolist() == list(range(100, 112)) and enc.index.dtype == np.int32
    assert enc.maps == {}
    bare = encode(vae, Images("noise", "train", images.pixels))
    assert bare.labels is None and bare.attributes is None and bare.split.tolist() == [0] * 12


def test_batches_change_nothing_and_progress_is_told(vae: VAE, images: Images) -> None:
    seen: list[tuple[int, int]] = []
    batched = encode(vae, images, batch_size=5, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(5, 12), (10, 12), (12, 12)]
    np.testing.assert_allclose(batched.mu, encode(vae, images).mu, atol=1e-6)
    np.testing.assert_allclose(batched.recon_error, encode(vae, images).recon_error, atol=1e-6)


def test_vectors_are_encoded_too() -> None:
    from vae.config import Config

    rows = np.random.default_rng(0).random((4, 9)).astype(np.float32)
    vae = VAE(Config((9,), 2, encoder_sizes=(4,), decoder_sizes=(4,), likelihood="mse"))
    enc = encode(vae, Images("table", "train", rows))
    x = torch.from_numpy(rows)
    np.testing.assert_allclose(enc.recon_error, ((vae.decode(vae.encode(x).mu) - x) ** 2).mean(1).detach(), atol=1e-6)


def test_images_that_do_not_fit_are_refused(vae: VAE, images: Images, refused: Any) -> None:
    with refused("This model reads images of shape (1, 8, 8)"):
        encode(vae, Images("wide", "train", np.zeros((2, 8, 9, 1), np.uint8)))
    with refused("There are no images to encode"):
        encode(vae, images.take(slice(0)))


def test_kl_is_that_of_torch_distributions() -> None:
    enc = some()
    mu, logvar = torch.from_numpy(enc.mu), torch.from_numpy(enc.logvar)
    exact = kl_divergence(Normal(mu, torch.exp(logvar / 2)), Normal(torch.zeros(3), torch.ones(3))).numpy()
    np.testing.assert_allclose(enc.kl_per_dim(), exact, atol=1e-5)
    np.testing.assert_allclose(enc.kl(), exact.sum(axis=1), atol=1e-5)


def test_they_come_back_from_their_file(folder: Path) -> None:
    enc, back = some(), load_encodings(folder)
    for name in ("mu", "logvar", "recon_error", "attributes"):
        given, got = getattr(enc, name), getattr(back, name)
        assert got.dtype == np.float32
        assert (got == given.astype(np.float16).astype(np.float32)).all()
    for name, dtype in (("split", np.uint8), ("index", np.int32), ("labels", np.int64)):
        assert (getattr(back, name) == getattr(enc, name)).all()
        assert getattr(back, name).dtype == dtype
    assert (back.label_names, back.attribute_names) == (enc.label_names, enc.attribute_names)
    assert list(back.maps) == ["pca"]
    assert (back.maps["pca"] == enc.maps["pca"].astype(np.float16)).all() and back.maps["pca"].dtype == np.float32


def test_codes_are_kept_as_float16(folder: Path) -> None:
    columns = load_file(folder / "encodings.safetensors")
    assert {name: str(column.dtype) for name, column in columns.items()} == {
        "mu": "float16",
        "logvar": "float16",
        "recon_error": "float16",
        "attributes": "float16",
        "map.pca": "float16",
        "split": "uint8",
        "index": "int32",
        "labels": "uint8",
    }


@pytest.mark.parametrize(
    ("value", "kind"), [(2048, "float16"), (2051, "float32"), (70_000, "float32"), (0.1, "float16")]
)
def test_attributes_keep_their_whole_numbers(value: float, kind: str, tmp_path: Path) -> None:
    years = np.array([[value], [1], [0], [1], [0], [1]], np.float32)
    save_encodings(tmp_path, some(attributes=years, attribute_names=("year",)))
    assert str(load_file(tmp_path / "encodings.safetensors")["attributes"].dtype) == kind
    back = load_encodings(tmp_path).attributes
    assert back is not None and back[0, 0] == pytest.approx(value, rel=0 if value > 1 else 1e-3)


def test_the_least_and_the_most_there_can_be_come_back(tmp_path: Path) -> None:
    bare = some(labels=None, label_names=(), attributes=None, attribute_names=(), maps={})
    save_encodings(tmp_path, bare)
    back = load_encodings(tmp_path)
    assert back.labels is None and back.attributes is None and back.maps == {} and back.label_names == ()
    many = tuple(str(number) for number in range(300))
    save_encodings(tmp_path, some(3, labels=np.array([0, 256, 299]), label_names=many))
    back = load_encodings(tmp_path)
    assert back.labels is not None and back.labels.tolist() == [0, 256, 299] and back.label_names == many
    save_encodings(tmp_path, some(3, index=np.array([0, 69_999, 2**31 - 1], np.int32)))
    assert load_encodings(tmp_path).index.tolist() == [0, 69_999, 2**31 - 1]


def test_a_view_that_is_not_contiguous_is_saved_right(tmp_path: Path) -> None:
    enc = some()
    turned = some(mu=np.asfortranarray(enc.mu), maps={"pca": enc.maps["pca"][:, ::-1]})
    save_encodings(tmp_path, turned)
    back = load_encodings(tmp_path)
    assert (back.mu == enc.mu.astype(np.float16)).all()
    assert (back.maps["pca"] == enc.maps["pca"][:, ::-1].astype(np.float16)).all()


def test_some_rows_in_that_order() -> None:
    enc = some()
    part = enc.take(np.array([4, 1]))
    assert part.index.tolist() == [28, 7] and part.split.tolist() == [0, 1]
    assert part.labels is not None and part.labels.tolist() == [1, 1]
    for name in ("mu", "logvar", "recon_error", "attributes"):
        assert (getattr(part, name) == getattr(enc, name)[[4, 1]]).all()
    assert (part.maps["pca"] == enc.maps["pca"][[4, 1]]).all()
    assert enc.take(enc.split == 1).index.tolist() == [7, 21, 35]
    assert some(labels=None, label_names=()).take(np.array([0])).labels is None


def test_a_map_is_added_without_losing_the_others() -> None:
    enc = some()
    more = enc.with_map("umap", np.ones((6, 2)))
    assert list(more.maps) == ["pca", "umap"] and more.maps["umap"].dtype == np.float32
    assert list(enc.maps) == ["pca"]
    assert more.mu is enc.mu


def test_two_sets_one_after_the_other() -> None:
    first, second = some(4), some(6)
    both = join(first, second)
    assert len(both) == 10 and both.maps == {}
    assert (both.mu[4:] == second.mu).all() and (both.logvar[:4] == first.logvar).all()
    assert both.index.tolist() == first.index.tolist() + second.index.tolist()
    assert both.split.tolist() == first.split.tolist() + second.split.tolist()
    assert both.labels is not None and both.labels.tolist() == [0, 1, 2, 0, 0, 1, 2, 0, 1, 2]
    assert both.attributes is not None and (both.attributes[:4] == first.attributes).all()
    assert (both.recon_error[4:] == second.recon_error).all()
    bare = some(labels=None, label_names=(), attributes=None, attribute_names=())
    assert join(bare, bare).labels is None and join(bare, bare).attributes is None


def test_an_image_is_known_by_its_split_and_its_row_there() -> None:
    enc = some()
    assert [enc.image_id(row) for row in range(3)] == ["train/0", "test/7", "train/14"]
    for row in range(len(enc)):
        assert enc.row_of(enc.image_id(row)) == row


@pytest.mark.parametrize(
    "image_id", ["", "test", "test/", "test/0", "train/7", "valid/0", "test/-7", "test/7/7", "test/x", "../7", "7"]
)
def test_an_image_that_is_not_there_has_no_row(image_id: str) -> None:
    assert some().row_of(image_id) is None
    assert some().row_of("test/" + "9" * 10) is None
    assert some().row_of("test/" + "9" * 10_000) is None


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mu": np.zeros((6, 2), np.float32)}, "mu (6, 2) and logvar (6, 3)"),
    ({"mu": np.zeros(6, np.float32), "logvar": np.zeros(6, np.float32)}, "must both be (N, L)"),
    ({"recon_error": np.zeros(5, np.float32)}, "Encodings of 6 images need 6 of everything"),
    ({"split": np.zeros(7, np.uint8)}, "need 6 of everything"),
    ({"index": np.zeros(5, np.int32)}, "need 6 of everything"),
    ({"labels": np.zeros(5, np.int64)}, "need 6 of everything"),
    ({"attributes": np.zeros((5, 2), np.float32)}, "need 6 of everything"),
    ({"maps": {"pca": np.zeros((5, 2), np.float32)}}, "need 6 of everything"),
    ({"maps": {"pca": np.zeros((6, 3), np.float32)}}, "a map that is not flat"),
    ({"maps": {"pca": np.zeros(6, np.float32)}}, "a map that is not flat"),
    ({"split": np.full(6, 2, np.uint8)}, "a split that is none"),
    ({"labels": np.full(6, 3)}, "labels without a name"),
    ({"labels": np.full(6, -1)}, "labels without a name"),
    ({"label_names": ()}, "labels without a name"),
    ({"attribute_names": ("smile",)}, "attributes without a name"),
    ({"mu": np.full((6, 3), np.nan, np.float32)}, "numbers that are not finite"),
    ({"logvar": np.full((6, 3), np.inf, np.float32)}, "numbers that are not finite"),
]


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[f"{'-'.join(c)}: {w}" for c, w in WRONG])
def test_columns_that_do_not_match_are_refused(change: dict[str, Any], words: str, refused: Any) -> None:
    with refused(words):
        some(**change)


def test_a_model_without_encodings_says_what_to_run(tmp_path: Path, refused: Any) -> None:
    with refused("has no encodings yet: run `python -m vae encode` on it"):
        load_encodings(tmp_path)


def damage(folder: Path, **columns: np.ndarray | None) -> None:
    path = folder / "encodings.safetensors"
    whole = load_file(path) | columns
    metadata = {"names": '{"label_names": ["a", "b", "c"], "attribute_names": ["smile", "hat"]}'}
    save_file({name: value for name, value in whole.items() if value is not None}, path, metadata=metadata)


@pytest.mark.parametrize("name", ["mu", "logvar", "recon_error", "split", "index"])
def test_a_column_that_is_missing_is_damage(name: str, folder: Path, refused: Any) -> None:
    damage(folder, **{name: None})
    with refused("encodings.safetensors of the model mine is damaged: run `python -m vae encode` on it again"):
        load_encodings(folder)


def test_columns_of_other_lengths_are_refused(folder: Path, refused: Any) -> None:
    damage(folder, mu=np.zeros((3, 3), np.float16))
    with refused("must both be (N, L)"):
        load_encodings(folder)
    damage(folder, mu=np.array(1.0, np.float16))
    with refused("is damaged"):
        load_encodings(folder)


@pytest.mark.parametrize("names", ["{", "[]", "{}", "3", "null", '{"label_names": 3}', "[" * 100_000])
def test_names_that_are_none_are_damage(names: str, folder: Path, refused: Any) -> None:
    path = folder / "encodings.safetensors"
    save_file(load_file(path), path, metadata={"names": names})
    with refused("is damaged"):
        load_encodings(folder)


def test_a_file_cut_short_or_foreign_is_damage(folder: Path, refused: Any) -> None:
    path = folder / "encodings.safetensors"
    whole = path.read_bytes()
    for data in (b"", whole[:-10], whole[:20], b"\xff" * 100, b"PK\x03\x04 not this"):
        path.write_bytes(data)
        with refused("is damaged"):
            load_encodings(folder)


def test_a_full_disk_leaves_the_old_encodings(folder: Path, monkeypatch: pytest.MonkeyPatch, refused: Any) -> None:
    before = (folder / "encodings.safetensors").read_bytes()
    really = os.write

    def write(handle: int, data: bytes) -> int:
        really(handle, data[:50])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    with refused("The disk is full: encodings.safetensors was not saved"):
        save_encodings(folder, some(3))
    assert (folder / "encodings.safetensors").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["encodings.safetensors"]


def test_codes_too_large_for_float16_are_refused_when_saved(tmp_path: Path) -> None:
    far = Encodings(
        mu=np.array([[70_000.0]], np.float32),
        logvar=np.zeros((1, 1), np.float32),
        recon_error=np.zeros(1, np.float32),
        split=np.zeros(1, np.uint8),
        index=np.zeros(1, np.int32),
    )
    with pytest.raises(VAEError, match="diverged"):
        save_encodings(tmp_path, far)


def test_a_plain_autoencoder_is_known_by_its_codes_and_has_no_kl(small: Config, images: Images, tmp_path: Path) -> None:
    known = encode(VAE(small.with_(posterior="point")), images)
    (tmp_path / "model").mkdir()
    save_encodings(tmp_path / "model", known)
    for each in (known, load_encodings(tmp_path / "model")):
        assert each.point
        assert not each.kl_per_dim().any() and each.kl_per_dim().shape == each.mu.shape
        np.testing.assert_allclose(each.carried(), each.mu.var(axis=0))
    vae = encode(VAE(small), images)
    assert not vae.point
    np.testing.assert_allclose(vae.carried(), vae.kl_per_dim().mean(axis=0))
