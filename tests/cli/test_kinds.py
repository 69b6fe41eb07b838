"""Every kind of model and every objective, as a command: trained, kept, mapped, and opened again."""

import pytest

from vae import checkpoint
from vae.encodings import load_encodings
from vae.errors import VAEError
from vae.train import options, plan

SMALL = ("--data", "digits", "--device", "cpu", "--limit", 150, "--epochs", 1, "--latent-dim", 3)

KINDS = {
    "linear": (("--model", "linear"), {"network": "linear", "likelihood": "gaussian", "output": "linear"}),
    "gated": (("--model", "gated"), {"network": "gated", "encoder_sizes": (300, 300)}),
    "autoencoder": (("--model", "conv", "--posterior", "point"), {"posterior": "point", "encoder_sizes": (32, 64)}),
    "levels": (("--model", "mlp", "--levels", "1,2", "--objective", "iwae"), {"levels": (1, 2)}),
    "recipe": (("--recipe", "burda", "--binarise", "static", "--objective", "dreg"), {"binarise": "static"}),
    "fixed spread": (("--model", "mlp", "--likelihood", "gaussian", "--std", 0.2, "--objective", "tc"), {"std": 0.2}),
    "critic of codes": (("--model", "mlp", "--objective", "factor", "--critic", 8), {}),
    "vae-gan": (("--model", "conv", "--objective", "gan", "--rise", 0.1, "--critic", 8), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_trained_and_kept_and_can_be_opened(vae, tmp_path, kind):
    words, config = KINDS[kind]
    said = vae("train", *SMALL, *words, "--out", tmp_path / "kept")
    assert said.status == 0, said.err
    assert ("ELBO" in said.out) is (kind != "autoencoder") and "Traceback" not in said.out
    kept = checkpoint.load(tmp_path / "kept")
    assert {name: getattr(kept.vae.config, name) for name in config} == config
    assert kept.vae.config.latent_dim == 3
    assert not any("critic" in name for name in kept.vae.state_dict())  # it has said what it had to say
    encodings = load_encodings(kept.folder)
    assert encodings.mu.shape == (300, 3) and set(encodings.maps) == {"pca"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("--model conv --posterior point --objective tc", "its objective is fixed"),
        ("--model mlp --levels 1,2 --objective dreg", "choose iwae"),
        ("--model mlp --levels 1,2 --latent-dim 4", "levels"),
        ("--model mlp --binarise dynamic --objective gan", "leave binarise at none"),
        ("--recipe keras --objective factor", "this recipe averages"),
        ("--model mlp --likelihood mse --objective iwae", "squared error is none"),
        ("--model mlp --std 0.5", "std"),
        ("--model mlp --objective iwae --samples 0", "1 to 1,000"),
        ("--model mlp --objective factor --critic 2", "critic is 2"),
        ("--data digits", "--model mlp|gated|conv|linear"),
    ],
)
def test_what_cannot_be_is_refused_before_the_start(words, line):
    asked = options.parse(["--data", "digits", *words.split()])
    with pytest.raises(VAEError) as caught:
        plan.check(asked)
    assert line in str(caught.value) and "\n" not in str(caught.value)


def test_torchrun_is_refused_what_one_process_must_do(monkeypatch):
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "here"}.items():
        monkeypatch.setenv(name, value)
    plan.check(options.parse(["--data=digits", "--model=mlp", "--objective=warmup"]))
    with pytest.raises(VAEError, match="without torchrun"):
        plan.check(options.parse(["--data=digits", "--model=mlp", "--objective=iwae"]))
