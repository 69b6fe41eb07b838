"""A config survives JSON, and nothing impossible becomes one."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vae.config import (
    ACTIVATIONS,
    BINARISATIONS,
    LIKELIHOODS,
    MAX_BLOCKS,
    MAX_LATENT_DIM,
    MAX_LEVELS,
    MAX_SIDE,
    MAX_VECTOR,
    MAX_WIDTH,
    MIN_SIDE,
    POSTERIORS,
    REDUCTIONS,
    Config,
)
from vae.errors import VAEError

widths = st.lists(st.integers(1, MAX_WIDTH), max_size=16).map(tuple)
sides = st.integers(MIN_SIDE, MAX_SIDE)
shapes = st.tuples(st.integers(1, 64), sides, sides) | st.tuples(st.integers(1, MAX_VECTOR))


@st.composite
def configs(draw: Any) -> Config:
    shape = draw(shapes)
    encoder, decoder = draw(widths), draw(widths)
    network = draw(st.sampled_from(("mlp", "gated", "linear")))
    if network == "linear":
        encoder = decoder = ()
    if len(shape) == 3 and draw(st.booleans()):
        network = "conv"
        stages = draw(st.integers(1, int(math.log2(min(shape[1:])))))
        channels = st.tuples(*[st.integers(1, 64)] * stages)
        encoder, decoder = draw(channels), draw(channels)
    likelihood = draw(st.sampled_from(LIKELIHOODS if len(shape) == 3 else LIKELIHOODS[:3]))
    levels = draw(st.lists(st.integers(1, 200), min_size=2, max_size=MAX_LEVELS).map(tuple) | st.just(()))
    levels = levels if encoder and decoder else ()
    return Config(
        shape=shape,
        latent_dim=sum(levels) or draw(st.integers(1, MAX_LATENT_DIM)),
        network=network,
        encoder_sizes=encoder,
        decoder_sizes=decoder,
        activation=draw(st.sampled_from(ACTIVATIONS)),
        likelihood=likelihood,
        output="sigmoid" if likelihood == "bernoulli" else draw(st.sampled_from(("sigmoid", "linear"))),
        binarise=draw(st.sampled_from(BINARISATIONS)) if likelihood == "bernoulli" else "none",
        beta=draw(st.floats(0, 1e8) | st.integers(0, 1000)),
        recon_reduction=draw(st.sampled_from(REDUCTIONS)),
        kl_reduction=draw(st.sampled_from(REDUCTIONS)),
        batch_reduction=draw(st.sampled_from(REDUCTIONS)),
        recipe=draw(st.text(max_size=20)),
        posterior="gaussian" if levels else draw(st.sampled_from(POSTERIORS)),
        levels=levels,
        blocks=draw(st.integers(1, MAX_BLOCKS)) if levels and network == "conv" else 1,
        std=draw(st.none() | st.floats(0.01, 100)) if likelihood == "gaussian" else None,
    )


@given(configs())
def test_json_gives_the_same_config_back(config: Config) -> None:
    text = json.dumps(config.to_json(), allow_nan=False)
    assert Config.from_json(json.loads(text)) == config


def test_json_says_every_field_and_the_schema_first(small: Config) -> None:
    data = small.to_json()
    assert next(iter(data.items())) == ("schema", 2)
    assert set(data) == {"schema", *Config.__dataclass_fields__}
    assert data["shape"] == [1, 8, 8]


def test_a_config_that_knew_less_means_what_it_meant(small: Config, refused: Any) -> None:
    data = small.to_json() | {"schema": 1}
    old = {key: value for key, value in data.items() if key not in ("posterior", "levels", "blocks", "std")}
    assert Config.from_json(old) == small
    assert (small.posterior, small.levels, small.blocks, small.std) == ("gaussian", (), 1, None)
    with refused("look at: levels"):
        Config.from_json(old | {"levels": []})
    with refused("look at: blocks"):
        Config.from_json(old | {"schema": 2})


def test_each_latent_has_its_level(small: Config) -> None:
    assert small.level_of == (0, 0, 0)
    assert small.with_(levels=(1, 2)).level_of == (0, 1, 1)


def test_pixels_counts_every_channel() -> None:
    assert Config((3, 8, 10), 2).pixels == 240
    assert Config((11,), 2).pixels == 11


def test_a_change_is_checked_again(small: Config, refused: Any) -> None:
    assert small.with_(latent_dim=5).latent_dim == 5
    with refused("latent_dim is 0"):
        small.with_(latent_dim=0)


def test_the_limits_themselves_are_allowed() -> None:
    Config((64, MIN_SIDE, MAX_SIDE), MAX_LATENT_DIM, encoder_sizes=(MAX_WIDTH,) * 16, decoder_sizes=(), beta=0)
    Config((MAX_VECTOR,), 1)
    Config((1, 8, 8), 1, "conv", (1, 1, 1), (1, 1, 1))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"latent_dim": 0}, "latent_dim is 0: it must be a whole number from 1 to 4096"),
    ({"latent_dim": -1}, "latent_dim is -1"),
    ({"latent_dim": 1_000_000}, "latent_dim is 1000000"),
    ({"latent_dim": MAX_LATENT_DIM + 1}, "latent_dim is 4097"),
    ({"latent_dim": True}, "latent_dim is True"),
    ({"latent_dim": 2.0}, "latent_dim is 2.0"),
    ({"latent_dim": "2"}, "latent_dim is '2'"),
    ({"latent_dim": None}, "latent_dim is None"),
    ({"shape": (28, 28)}, "shape is (28, 28)"),
    ({"shape": ()}, "shape is ()"),
    ({"shape": 784}, "shape is 784"),
    ({"shape": [1, 8, 8]}, "shape is [1, 8, 8]"),
    ({"shape": (1, 7, 8)}, "the image's side in pixels is 7"),
    ({"shape": (1, 8, 129)}, "the image's side in pixels is 129"),
    ({"shape": (0, 8, 8)}, "channels is 0"),
    ({"shape": (65, 8, 8)}, "channels is 65"),
    ({"shape": (0,)}, "the vector's length is 0"),
    ({"shape": (MAX_VECTOR + 1,)}, "the vector's length is 65537"),
    ({"shape": (True,)}, "the vector's length is True"),
    ({"network": "transformer"}, "network is 'transformer': choose mlp, gated, conv, linear"),
    ({"activation": "relu6"}, "activation is 'relu6': choose relu"),
    ({"activation": ["relu"]}, "activation is ['relu']"),
    ({"likelihood": "poisson"}, "likelihood is 'poisson'"),
    ({"output": "tanh"}, "output is 'tanh'"),
    ({"binarise": "once"}, "binarise is 'once': choose none, dynamic, static"),
    ({"recon_reduction": "median"}, "recon_reduction is 'median': choose sum, mean"),
    ({"kl_reduction": "batchmean"}, "kl_reduction is 'batchmean'"),
    ({"batch_reduction": None}, "batch_reduction is None"),
    ({"encoder_sizes": (0,)}, "encoder_sizes is 0"),
    ({"encoder_sizes": (MAX_WIDTH + 1,)}, "encoder_sizes is 16385"),
    ({"encoder_sizes": (8,) * 17}, "give up to 16 whole numbers"),
    ({"encoder_sizes": 8}, "encoder_sizes is 8"),
    ({"decoder_sizes": (8.5,)}, "decoder_sizes is 8.5"),
    ({"decoder_sizes": (True,)}, "decoder_sizes is True"),
    ({"beta": -0.1}, "beta is -0.1"),
    ({"beta": math.nan}, "beta is nan"),
    ({"beta": math.inf}, "beta is inf"),
    ({"beta": 1e9}, "beta is 1000000000.0"),
    ({"beta": True}, "beta is True"),
    ({"beta": "1"}, "beta is '1'"),
    ({"recipe": 3}, "recipe is 3"),
    ({"output": "linear"}, "needs output 'sigmoid'"),
    ({"likelihood": "mse", "binarise": "dynamic"}, "Binarised pixels need likelihood 'bernoulli', not 'mse'"),
    ({"network": "conv", "shape": (64,)}, "for flat vectors choose network 'mlp'"),
    ({"network": "conv", "encoder_sizes": (4, 4)}, "as many decoder_sizes as encoder_sizes"),
    ({"network": "conv", "encoder_sizes": (), "decoder_sizes": ()}, "at least one"),
    ({"network": "linear"}, "A linear network has no hidden layers"),
    ({"posterior": "laplace"}, "posterior is 'laplace': choose gaussian, point"),
    ({"likelihood": "mse", "binarise": "static"}, "Binarised pixels need likelihood 'bernoulli', not 'mse'"),
    ({"likelihood": "logistic", "shape": (64,)}, "A logistic likelihood counts grey levels"),
    ({"std": 0.1}, "A fixed std needs likelihood 'gaussian', not 'bernoulli'"),
    ({"likelihood": "gaussian", "std": 0}, "std is 0"),
    ({"likelihood": "gaussian", "std": math.nan}, "std is nan"),
    ({"likelihood": "gaussian", "std": True}, "std is True"),
    ({"levels": (3,)}, "levels is (3,): give the latents of 2 to 16 levels"),
    ({"levels": [1, 2]}, "levels is [1, 2]"),
    ({"levels": (1,) * 17, "latent_dim": 17}, "give the latents of 2 to 16 levels"),
    ({"levels": (0, 3)}, "levels is 0"),
    ({"levels": (1, 1.5)}, "levels is 1.5"),
    ({"levels": (1, 3)}, "The levels have 4 latents in all and latent_dim is 3"),
    ({"levels": (1, 2), "posterior": "point"}, "A plain autoencoder has one level"),
    ({"levels": (1, 2), "encoder_sizes": ()}, "Levels need hidden layers between them"),
    ({"blocks": 2}, "blocks are those of a convolutional network with levels"),
    ({"blocks": 0}, "blocks is 0"),
    ({"network": "conv", "encoder_sizes": (4,) * 4, "decoder_sizes": (4,) * 4}, "4 halvings leave nothing of 8 pixels"),
]


@pytest.mark.parametrize(("change", "words"), BAD, ids=[words for _, words in BAD])
def test_each_field_is_strict(change: dict[str, Any], words: str, small: Config, refused: Any) -> None:
    with refused(words):
        small.with_(**change)


def test_json_of_another_kind_is_refused(small: Config, refused: Any) -> None:
    data = small.to_json()
    for foreign in (None, 3, "text", [data]):
        with refused("holds no object"):
            Config.from_json(foreign)
    for schema in (0, 3, "1", None, True, [1]):
        with refused("this Muscope reads 1 to 2"):
            Config.from_json(data | {"schema": schema})
    with refused("look at: dropout"):
        Config.from_json(data | {"dropout": 0.1})
    for name in data.keys() - {"schema"}:
        with refused(f"look at: {name}"):
            Config.from_json({key: value for key, value in data.items() if key != name})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(field=st.sampled_from(sorted(Config.__dataclass_fields__)), value=json_values)
def test_a_foreign_value_gives_a_config_or_one_plain_line(field: str, value: object) -> None:
    data = Config((1, 8, 8), 2).to_json() | {field: value}
    try:
        Config.from_json(data)
    except VAEError as error:
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < 400


@pytest.mark.parametrize("field", sorted(Config.__dataclass_fields__), ids="of {}".format)
def test_a_huge_or_deep_value_is_not_repeated_in_the_error(field: str, small: Config) -> None:
    deep: list[Any] = []
    for _ in range(2000):
        deep = [deep]
    for value in (deep, ["x"] * 100_000, {"a": deep}):
        with pytest.raises(VAEError) as caught:
            Config.from_json(small.to_json() | {field: value})
        assert len(str(caught.value)) < 400
