"""One step: its gradients, what Adam remembers, and how a number that is none is found."""

import ctypes
import sys

import pytest
import torch

from vae.config import Config
from vae.errors import VAEError
from vae.model import VAE
from vae.objectives import KLTerm
from vae.train.replay import WARM, Replay
from vae.train.step import Stepper

DENSE = Config(shape=(1, 8, 8), latent_dim=3, encoder_sizes=(16,), decoder_sizes=(16,))
KINDS = {
    "dense": DENSE,
    "binarised": DENSE.with_(binarise="dynamic"),
    "gaussian": DENSE.with_(likelihood="gaussian", beta=0.5),
    "conv": Config(shape=(1, 8, 8), latent_dim=3, network="conv", encoder_sizes=(4, 8), decoder_sizes=(8, 4)),
}


def ready(config=DENSE, rate=0.01):
    vae = VAE(config, seed=1).train()
    if config.network == "conv":
        vae.to(memory_format=torch.channels_last)
    return Stepper(vae, rate)


def pixels(count=12, seed=0):
    return torch.randint(0, 256, (count, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def walk(stepper, generator, steps, seed=0):
    for batch in pixels(12 * steps, seed).split(12):
        stepper.gradients(batch, generator, KLTerm(1.0))
        stepper.apply()


def weights(stepper):
    return torch.cat([value.flatten() for value in stepper.vae.state_dict().values()])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("done", [0, 1, 5])
def test_a_stepper_that_is_restored_goes_on_as_if_nothing_had_happened(kind, done):
    generator = torch.Generator().manual_seed(3)
    whole = ready(KINDS[kind])
    walk(whole, generator, done)
    kept, weights_kept, draws = whole.state(), whole.vae.state_dict(), generator.get_state()
    weights_kept = {name: value.clone() for name, value in weights_kept.items()}
    kept_before = {name: value.clone() for name, value in kept.items()}
    walk(whole, generator, 4, seed=9)
    assert all(torch.equal(kept[name], kept_before[name]) for name in kept)  # copies: they do not move along

    fresh = ready(KINDS[kind])
    fresh.vae.load_state_dict(weights_kept)
    fresh.restore(kept)
    walk(fresh, torch.Generator().set_state(draws), 4, seed=9)
    assert torch.equal(weights(fresh), weights(whole))
    left, right = fresh.state(), whole.state()
    assert left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_the_state_names_every_weight_and_lies_contiguous_on_the_cpu():
    stepper = ready(KINDS["conv"])
    walk(stepper, torch.Generator().manual_seed(0), 2)
    state = stepper.state()
    names = [name for name, _ in stepper.vae.named_parameters()]
    moments = {f"adam.{name}.{moment}" for name in names for moment in ("exp_avg", "exp_avg_sq")}
    assert set(state) == {"adam.step"} | moments
    assert state["adam.step"].item() == 2
    assert all(value.is_contiguous() and value.device.type == "cpu" for value in state.values())
    assert all(value.dtype == torch.float32 and not value.requires_grad for value in state.values())


def test_the_moments_are_those_of_the_paper():
    """Kingma and Ba 2014, algorithm 1, written out over three steps."""
    stepper = ready(DENSE, rate=0.01)
    generator = torch.Generator().manual_seed(0)
    first = {name: torch.zeros_like(value) for name, value in stepper.vae.named_parameters()}
    second = {name: torch.zeros_like(value) for name, value in stepper.vae.named_parameters()}
    theta = {name: value.detach().double() for name, value in stepper.vae.named_parameters()}
    for t, batch in enumerate(pixels(36).split(12), start=1):
        stepper.gradients(batch, generator, KLTerm(1.0))
        for name, value in stepper.vae.named_parameters():
            first[name] = 0.9 * first[name] + 0.1 * value.grad
            second[name] = 0.999 * second[name] + 0.001 * value.grad**2
            ratio = (first[name] / (1 - 0.9**t)) / ((second[name] / (1 - 0.999**t)).sqrt() + 1e-8)
            theta[name] = theta[name] - 0.01 * ratio
        stepper.apply()
    state = stepper.state()
    for name, value in stepper.vae.named_parameters():
        torch.testing.assert_close(state[f"adam.{name}.exp_avg"], first[name])
        torch.testing.assert_close(state[f"adam.{name}.exp_avg_sq"], second[name])
        torch.testing.assert_close(value.detach(), theta[name].float(), rtol=1e-4, atol=1e-6)


def test_gradients_are_those_of_this_batch_alone():
    stepper, batch = ready(), pixels()
    found = []
    for _ in range(2):
        stepper.gradients(batch, torch.Generator().manual_seed(0), KLTerm(1.0))
        found.append([weight.grad.clone() for weight in stepper.weights])
    assert all(torch.equal(*both) for both in zip(*found, strict=True))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda kept: kept.pop("adam.step"),
        lambda kept: kept.pop("adam.decoder.out.bias.exp_avg"),
        lambda kept: kept.update({"adam.other.exp_avg": torch.zeros(1)}),
        lambda kept: kept.update({"adam.decoder.out.bias.exp_avg": torch.zeros(3)}),
        lambda kept: kept.update({"adam.step": torch.zeros(2)}),
    ],
)
def test_what_belongs_to_another_network_is_refused_and_nothing_changes(spoil):
    stepper = ready()
    walk(stepper, torch.Generator().manual_seed(0), 2)
    before = stepper.state()
    kept = {name: value + 1 for name, value in before.items()}
    spoil(kept)
    with pytest.raises(VAEError, match="another network") as caught:
        stepper.restore(kept)
    assert "\n" not in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in stepper.state().items())


def test_the_norm_is_that_of_all_gradients_together():
    stepper = ready()
    stepper.gradients(pixels(), torch.Generator().manual_seed(0), KLTerm(1.0))
    every = torch.cat([value.grad.flatten() for value in stepper.vae.parameters()]).double()
    assert stepper.norm().item() == pytest.approx(every.norm().item(), rel=1e-5)
    assert stepper.culprit() == ""


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["encoder.body.0.weight", "decoder.out.weight", "decoder.out.bias"])
def test_one_number_that_is_none_shows_in_the_norm_and_is_named(name, number):
    stepper = ready()
    stepper.gradients(pixels(), torch.Generator().manual_seed(0), KLTerm(1.0))
    dict(stepper.vae.named_parameters())[name].grad.view(-1)[-1] = number
    assert not stepper.norm().isfinite()
    assert stepper.culprit() == name


def test_the_rate_can_change_between_steps():
    stepper = ready(rate=0.01)
    assert stepper.rate == 0.01
    stepper.rate = 0.0
    before = weights(stepper)
    walk(stepper, torch.Generator().manual_seed(0), 1)
    assert stepper.rate == 0 and torch.equal(weights(stepper), before)


# ---- where and how it is computed ------------------------------------------------------------------------------------


def test_half_precision_is_in_the_products_alone():
    """In bfloat16 the loss is close to that of float32, and the weights, z and the loss are float32 all the same."""
    found = {}
    for precision in ("float32", "bfloat16"):
        stepper = Stepper(VAE(DENSE, seed=1).train(), 0.01, precision)
        terms = stepper.gradients(pixels(64), torch.Generator().manual_seed(0), KLTerm(1.0))
        assert {weight.dtype for weight in stepper.weights} == {torch.float32}
        assert {weight.grad.dtype for weight in stepper.weights} == {torch.float32}
        assert terms.total.dtype == terms.recon_nll.dtype == terms.kl.dtype == torch.float32
        found[precision] = terms.total.item()
    assert found["bfloat16"] != found["float32"]
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.01)


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_half_precision_learns(network):
    stepper = Stepper(VAE(KINDS[network], seed=1).train(), 0.01, "bfloat16")
    generator, losses = torch.Generator().manual_seed(0), []
    for _ in range(40):
        losses.append(stepper.gradients(pixels(64) // 8, generator, KLTerm(1.0)).recon_nll.item())
        stepper.apply()
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts what Linux counts")
def test_steps_take_no_new_memory_from_the_system():
    """What one step frees serves the next: in steps that allocate 40 MB each hardly a page is asked for."""
    import resource

    config = Config(shape=(1, 64, 64), latent_dim=3, network="conv", encoder_sizes=(16, 16), decoder_sizes=(16, 16))
    if not hasattr(ctypes.CDLL(None), "mallopt"):
        pytest.skip("this C library cannot be asked to keep what is freed")
    stepper = Stepper(VAE(config).train(), 0.01)
    batch, generator = torch.zeros(64, 1, 64, 64, dtype=torch.uint8), torch.Generator().manual_seed(0)

    def faults(steps):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(steps):
            stepper.gradients(batch, generator, KLTerm(1.0))
            stepper.apply()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    faults(3)
    assert faults(5) < 5 * 500  # without: 10,000 pages of 4 kB in each step


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("term", [KLTerm(0.3), KLTerm(2.0, capacity=1.5), KLTerm(1.0, free_bits=0.2)])
def test_what_a_gpu_records_is_the_step_itself(kind, term):
    """beta and capacity come out of a tensor, gradients go to places that stay; the numbers are the same to the bit."""
    plain, recorded = ready(KINDS[kind]), ready(KINDS[kind])
    batch = pixels()
    terms = plain.gradients(batch, torch.Generator().manual_seed(5), term)
    for weight in recorded.weights:
        weight.grad = torch.full_like(weight, 7.0)
    places = [weight.grad.data_ptr() for weight in recorded.weights]
    held = recorded._on_device(term.beta, term.capacity or 0.0)
    options = (torch.Generator().manual_seed(5), term.capacity is not None, term.free_bits)
    given = recorded._compute(batch, held, *options)
    assert [weight.grad.data_ptr() for weight in recorded.weights] == places
    wanted = terms.total, terms.recon_nll, terms.kl, plain.norm()
    assert all(torch.equal(*both) for both in zip(given, wanted, strict=True))
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(plain.weights, recorded.weights, strict=True))


def test_adam_skips_where_it_is_told_to_and_remembers_nothing_of_it():
    stepper = ready()
    walk(stepper, torch.Generator().manual_seed(0), 2)
    before, kept = weights(stepper), stepper.state()
    stepper.gradients(pixels(), torch.Generator().manual_seed(0), KLTerm(1.0))
    stepper.apply(torch.tensor(True))
    stepper.adam.work(torch.tensor(1.0))  # what a GPU records: there the flag is looked at on the device
    assert torch.equal(weights(stepper), before)
    assert all(torch.equal(value, kept[name]) for name, value in stepper.state().items())
    stepper.apply(torch.tensor(False))
    assert not torch.equal(weights(stepper), before)
    assert stepper.state()["adam.step"].item() == 3


@pytest.mark.skipif(torch.cuda.is_available(), reason="here recording works")
def test_where_nothing_can_be_recorded_the_work_is_done_all_the_same():
    generator = torch.Generator().manual_seed(0)
    replay = Replay(lambda x, scale: (scale * torch.rand(x.shape, generator=generator) + x,))
    given = [replay(torch.full((3,), float(k)), generator=generator, options=(2.0,))[0] for k in range(WARM + 3)]
    assert not replay.works
    again = torch.Generator().manual_seed(0)
    wanted = [2.0 * torch.rand(3, generator=again) + k for k in range(WARM + 3)]  # no draw was lost on the attempt
    assert all(torch.equal(*both) for both in zip(given, wanted, strict=True))


@pytest.mark.gpu
@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_step_is_the_step_itself(kind, monkeypatch):
    """Replayed or not, the same weights to the bit, whatever beta and rate do meanwhile; so is one that is skipped."""
    found = []
    for record in (True, False):
        vae = VAE(KINDS[kind], seed=1).train().cuda()
        stepper = Stepper(vae, 0.01)
        stepper._recorded_gradients.works = stepper.adam.recorded.works = record
        generator = torch.Generator("cuda").manual_seed(3)
        norms = []
        for number, batch in enumerate(pixels(12 * 20).cuda().split(12)):
            batch = batch[:7] if number % 5 == 4 else batch  # a short one now and then
            stepper.rate = 0.01 * (1 + number % 3)
            terms = stepper.gradients(batch, generator, KLTerm(number / 20))
            norms.append(torch.stack([terms.total, terms.recon_nll, terms.kl, stepper.norm()]))
            stepper.apply(torch.tensor(number == 13, device="cuda"))
        assert stepper._recorded_gradients.works is record and bool(stepper._recorded_gradients._takes) is record
        state = stepper.state()
        assert state["adam.step"].item() == 19
        found.append([torch.stack(norms).cpu(), weights(stepper).cpu(), *state.values()])
    assert all(torch.equal(*both) for both in zip(*found, strict=True))


@pytest.mark.gpu
def test_what_cannot_be_recorded_is_computed():
    vae = VAE(DENSE, seed=1).train().cuda()
    stepper = Stepper(vae, 0.01)
    real = stepper._recorded_gradients.work

    def waits(*given):
        found = real(*given)
        found[0].item()  # waits for the device, which a recording must not
        return found

    stepper._recorded_gradients.work = waits
    generator = torch.Generator("cuda").manual_seed(3)
    for batch in pixels(12 * 8).cuda().split(12):
        before = weights(stepper)
        stepper.gradients(batch, generator, KLTerm(1.0))
        stepper.apply()
        assert not torch.equal(before, weights(stepper))
    assert not stepper._recorded_gradients.works


@pytest.mark.gpu
def test_the_rate_and_the_state_of_a_gpu_come_back():
    generator = torch.Generator("cuda").manual_seed(3)
    whole = Stepper(VAE(DENSE, seed=1).train().cuda(), 0.01)
    for batch in pixels(12 * 8).cuda().split(12):
        whole.gradients(batch, generator, KLTerm(1.0))
        whole.apply()
    fresh = Stepper(VAE(DENSE, seed=1).train().cuda(), 0.01)
    fresh.vae.load_state_dict(whole.vae.state_dict())
    fresh.restore(whole.state())
    draws = torch.Generator("cuda")
    draws.set_state(generator.get_state())
    for stepper, source in ((whole, generator), (fresh, draws)):
        stepper.rate = 0.002
        for batch in pixels(12 * 8, seed=5).cuda().split(12):
            stepper.gradients(batch, source, KLTerm(1.0))
            stepper.apply()
    assert torch.equal(weights(whole), weights(fresh))
