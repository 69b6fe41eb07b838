"""Every network keeps the shape of the picture, has the weights it should have, and follows from its seed."""

from math import prod
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vae.config import ACTIVATIONS, Config
from vae.model import VAE
from vae.nets import ACTIVATION_LAYERS, LOGVAR_LIMIT, build_decoder, build_encoder
from vae.posterior import POINT_LOGVAR
from vae.recipes import make_config, make_decoder, make_encoder


def passes(config: Config) -> None:
    """One batch through the network: shapes, finite numbers, a gradient in every weight."""
    vae = VAE(config, seed=0)
    x = torch.rand((2, *config.shape), generator=torch.Generator().manual_seed(0))
    out = vae(x, torch.Generator().manual_seed(0))
    assert out.posterior.mu.shape == out.posterior.logvar.shape == out.z.shape == (2, config.latent_dim)
    assert out.x_params.shape == x.shape
    assert torch.isfinite(out.x_params).all()
    (out.x_params.square().sum() + out.posterior.kl().sum()).backward()
    for name, weight in vae.named_parameters():
        if name != "log_std":
            assert weight.grad is not None, name
            assert weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("levels", [(), (2, 4, 3)])
@pytest.mark.parametrize("kind", ["mlp", "gated", "conv"])
def test_every_activation(kind: str, levels: tuple[int, ...], activation: str) -> None:
    passes(Config((2, 9, 12), sum(levels) or 3, kind, (6, 5), (5, 6), activation, levels=levels))


@pytest.mark.parametrize("posterior", ["gaussian", "point"])
@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_a_linear_network_and_its_autoencoder(posterior: str, likelihood: str) -> None:
    passes(Config((1, 8, 9), 3, "linear", (), (), likelihood=likelihood, posterior=posterior))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 28, 28), (1, 31, 17), (4, 128, 8), (1, 127, 128), (64, 8, 9)])
@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_channels_and_sides(kind: str, shape: tuple[int, int, int]) -> None:
    passes(Config(shape, 2, kind, (3, 4, 5), (5, 4, 3)))


@given(
    shape=st.tuples(st.integers(1, 4), st.integers(8, 40), st.integers(8, 40)),
    stages=st.integers(1, 3),
    latent_dim=st.integers(1, 5),
)
@settings(max_examples=25)
def test_a_convolutional_network_gives_back_any_size(shape: tuple[int, int, int], stages: int, latent_dim: int) -> None:
    passes(Config(shape, latent_dim, "conv", (4,) * stages, (4,) * stages, "silu"))


@pytest.mark.parametrize("length", [1, 2, 57, 784])
def test_flat_vectors(length: int) -> None:
    passes(Config((length,), 2, encoder_sizes=(6,), decoder_sizes=(6, 4)))


def test_a_linear_vae_has_no_hidden_layer() -> None:
    passes(Config((1, 8, 8), 2, encoder_sizes=(), decoder_sizes=()))
    decoder = build_decoder(Config((5,), 2, encoder_sizes=(), decoder_sizes=()))
    a, b = torch.randn(1, 2), torch.randn(1, 2)
    zero = decoder(torch.zeros(1, 2))
    torch.testing.assert_close(decoder(a + b) - zero, decoder(a) - zero + decoder(b) - zero)


def test_a_linear_network_is_linear_and_has_one_spread_for_all() -> None:
    vae = VAE(Config((6,), 2, "linear", (), (), likelihood="gaussian", output="linear"), seed=3)
    torch.nn.init.normal_(vae.encoder.heads.logvar, generator=torch.Generator().manual_seed(0))
    a, b = torch.rand(2, 3, 6, generator=torch.Generator().manual_seed(0))
    zero = vae.encode(torch.zeros(3, 6)).mu
    torch.testing.assert_close(vae.encode(a + b).mu - zero, vae.encode(a).mu - zero + vae.encode(b).mu - zero)
    assert torch.equal(vae.encode(a).logvar, vae.encoder.heads.logvar.expand(3, 2))
    torch.testing.assert_close(
        vae.decode(torch.ones(1, 2)), (vae.decoder.out.weight.sum(1) + vae.decoder.out.bias)[None]
    )


def test_a_gated_unit_is_a_product_with_its_own_gate() -> None:
    vae = VAE(Config((6,), 2, "gated", (4,), (3,)), seed=1)
    x, layer = torch.rand(5, 6, generator=torch.Generator().manual_seed(0)), vae.encoder.body[0]
    h = (x @ layer.weight[:4].T + layer.bias[:4]) / (1 + torch.exp(-(x @ layer.weight[4:].T + layer.bias[4:])))
    torch.testing.assert_close(vae.encoder.body(x), h)
    assert sum(weight.numel() for weight in vae.parameters()) == dense(6, 8) + 2 * dense(4, 2) + dense(2, 6) + dense(
        3, 6
    )


@pytest.mark.parametrize("kind", ["mlp", "gated", "conv"])
def test_an_autoencoder_is_its_twin_without_a_spread(kind: str) -> None:
    """The same layers but for the head of the spread, and one code for an image however often it is drawn."""
    config = Config((1, 8, 8), 2, kind, (6,), (6,))
    twin, vae = VAE(config.with_(posterior="point")), VAE(config)
    assert set(vae.state_dict()) - set(twin.state_dict()) == {
        "encoder.heads.logvar.weight",
        "encoder.heads.logvar.bias",
    }
    x, generator = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.Generator().manual_seed(0)
    before = generator.get_state()
    out = twin(x, generator)
    assert torch.equal(out.z, out.posterior.mu) and torch.equal(generator.get_state(), before)
    assert torch.equal(out.posterior.kl_per_dim(), torch.zeros(3, 2))
    assert torch.equal(out.posterior.logvar, torch.full((3, 2), POINT_LOGVAR)) and POINT_LOGVAR < -LOGVAR_LIMIT
    out.x_params.sum().backward()
    assert all(weight.grad is not None for weight in twin.parameters())


def test_the_activations_are_what_their_names_say() -> None:
    x = torch.tensor([-2.0, -0.5, 0.0, 1.0])
    said = {
        "relu": x.clamp(min=0),
        "tanh": (1 - torch.exp(-2 * x)) / (1 + torch.exp(-2 * x)),
        "gelu": x * 0.5 * (1 + torch.erf(x / 2**0.5)),
        "silu": x / (1 + torch.exp(-x)),
        "elu": torch.where(x > 0, x, torch.exp(x) - 1),
        "leaky_relu": torch.where(x > 0, x, 0.2 * x),
    }
    assert set(said) == set(ACTIVATION_LAYERS) == set(ACTIVATIONS)
    for name, wanted in said.items():
        torch.testing.assert_close(ACTIVATION_LAYERS[name]()(x), wanted)


def dense(*sizes: int) -> int:
    """Weights and biases of a stack of dense layers."""
    return sum(a * b + b for a, b in zip(sizes, sizes[1:], strict=False))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("pytorch", dense(784, 400) + 2 * dense(400, 20) + dense(20, 400, 784)),
        ("scratch", dense(784, 400) + 2 * dense(400, 20) + dense(20, 400, 784)),
        ("keras", dense(784, 256) + 2 * dense(256, 20) + dense(20, 256, 784)),
        ("edifice", dense(784, 256, 128) + 2 * dense(128, 32) + dense(32, 128, 256, 784)),
    ],
)
def test_the_recipes_have_as_many_weights_as_their_sources(name: str, count: int) -> None:
    assert sum(weight.numel() for weight in VAE(make_config(name)).parameters()) == count
    if name == "pytorch":
        assert count == 652_824  # as torch counts the example's own network


def test_a_convolutional_network_has_as_many_weights_as_its_layers() -> None:
    config = make_config("scratch", network="conv", input_size=(3, 28, 30), latent_size=6)  # 28x30, 14x15, 7x7
    kernel, features = 4 * 4, 64 * 7 * 7
    encoder = (3 * 32 * kernel + 32) + (32 * 64 * kernel + 64) + 2 * dense(features, 6)
    decoder = dense(6, features) + (64 * 32 * kernel + 32) + (32 * 3 * kernel + 3)
    vae = VAE(config)
    assert sum(weight.numel() for weight in vae.encoder.parameters()) == encoder
    assert sum(weight.numel() for weight in vae.decoder.parameters()) == decoder


def test_the_seed_decides_the_weights_and_nothing_else_does(small: Config) -> None:
    first = VAE(small, seed=5).state_dict()
    torch.manual_seed(123)
    before = torch.get_rng_state()
    again, other = VAE(small, seed=5).state_dict(), VAE(small, seed=6).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[name], other[name]) for name in first)


def test_encoder_and_decoder_do_not_start_from_the_same_numbers() -> None:
    vae = VAE(Config((6,), 6, encoder_sizes=(6,), decoder_sizes=(6,)), seed=0)
    weights = [weight for weight in vae.state_dict().values() if weight.shape == (6, 6)]
    assert len(weights) == 5
    assert len({tuple(weight.flatten().tolist()) for weight in weights}) == 5


def test_the_encoder_or_the_decoder_alone() -> None:
    x, z = torch.rand(4, 1, 8, 8), torch.randn(4, 3)
    options = {"input_size": (1, 8, 8), "latent_size": 3}
    vae = VAE(make_config("scratch", **options), seed=2)
    mu, logvar = make_encoder("scratch", seed=2, **options)(x)
    q = vae.encode(x)
    assert torch.equal(mu, q.mu) and torch.equal(logvar, q.logvar)
    assert torch.equal(make_decoder("scratch", seed=3, **options)(z), vae.decode_params(z))


@pytest.mark.parametrize("kind", ["mlp", "conv"])
def test_a_wild_encoder_gives_a_finite_spread(kind: str) -> None:
    encoder = build_encoder(Config((1, 8, 8), 2, kind, (4,), (4,)))
    for value in (1e6, -1e6):
        torch.nn.init.constant_(encoder.heads.logvar.bias, value)
        _, logvar = encoder(torch.rand(3, 1, 8, 8))
        assert torch.equal(logvar, torch.full((3, 2), LOGVAR_LIMIT if value > 0 else -LOGVAR_LIMIT))
    assert LOGVAR_LIMIT >= 15  # wide enough to leave every sane posterior alone


def test_pictures_keep_their_orientation() -> None:
    """A dense decoder writes rows before columns: the weight of pixel (c, h, w) is number c * H * W + h * W + w."""
    config = Config((2, 8, 9), 1, encoder_sizes=(), decoder_sizes=())
    decoder = build_decoder(config)
    with torch.no_grad():
        decoder.out.weight.zero_()
        decoder.out.bias.copy_(torch.arange(float(prod(config.shape))))
    picture = decoder(torch.zeros(1, 1))[0]
    assert picture[1, 2, 3] == 1 * 72 + 2 * 9 + 3
    encoder = build_encoder(config)
    with torch.no_grad():
        encoder.heads.mu.weight.zero_()
        encoder.heads.mu.weight[0, 1 * 72 + 2 * 9 + 3] = 1
        encoder.heads.mu.bias.zero_()
    x = torch.zeros(1, *config.shape)
    x[0, 1, 2, 3] = 0.75
    assert encoder(x)[0].item() == 0.75


class Watched(torch.autograd.Function):
    """As it came; on the way back it notes in which order the numbers lay, and in which those of the gradient lie."""

    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []

    @staticmethod
    def forward(ctx: Any, planes: torch.Tensor) -> torch.Tensor:
        ctx.stride = planes.stride()
        return planes.clone()

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
        Watched.found.append((ctx.stride, grad.stride()))
        return grad


class WatchedReLU(torch.nn.ReLU):
    def forward(self, planes: torch.Tensor) -> torch.Tensor:
        return Watched.apply(super().forward(planes))


@pytest.mark.parametrize("last", [False, True])
def test_gradients_of_planes_lie_as_the_planes_do(last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever order the first layer, the last or a flat one gives back: a pass over two orders is slow."""
    monkeypatch.setattr(Watched, "found", [])
    monkeypatch.setitem(ACTIVATION_LAYERS, "relu", WatchedReLU)
    vae = VAE(Config((3, 16, 16), 3, "conv", (4, 8), (8, 4)))
    if last:
        vae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    out = vae(torch.rand(5, 3, 16, 16), torch.Generator().manual_seed(0))
    out.x_params.square().sum().backward()
    assert len(Watched.found) == 4
    assert all(planes == grad for planes, grad in Watched.found)
    assert {planes[1] == 1 for planes, _ in Watched.found} == {last}  # channels next to each other, or not
