"""The rows of the table: what others published, and the training and the measurement that answer it."""

from dataclasses import dataclass

from vae.recipes import make_config

LONG = ("--map", "none")  # nobody looks at these maps
DYNAMIC, STATIC, S = "dynamic MNIST, k = 5,000", "static MNIST, k = {}", ("--suite", "likelihood", "--k", "5000")


@dataclass(frozen=True)
class Row:
    """One published number and how we come to ours.

    Attributes:
        name: what the command takes. title: what was trained. protocol: what is measured, on what.
        published: their numbers, each with its source.
        bar: what ours must reach; None: nothing is promised. higher: more is better.
        train: of `python -m vae train`, all but seed, name and machine.
        measure: of `python -m vae evaluate`; () where the model's card has the figure.
        figure: its name there, with dots for what lies within.
        seeds: trained and measured, each by itself.
        gpu: too long for two cores.
        note: what else a reader must know.
        elsewhere: the command of another benchmark that trains and measures it; "" for a row of this one.
        files: what it keeps of it, as names with "*"; the last part of each is the seed. parts: files of one seed.
    """

    name: str
    title: str
    protocol: str
    published: str
    train: tuple[str, ...] = ()
    measure: tuple[str, ...] = S
    figure: str = "likelihood.nll"
    bar: float | None = None
    higher: bool = False
    seeds: tuple[int, ...] = (0,)
    gpu: bool = False
    note: str = ""
    elsewhere: str = ""
    files: str = ""
    parts: int = 1


def _mnist(*words: str, epochs: int, binarise: str = "dynamic", data: str = "mnist") -> tuple[str, ...]:
    usual = ("--data", data, *words, "--binarise", binarise, "--epochs", str(epochs))
    return (*usual, "--batch-size", "100", "--rate", "0.001", "--decay", "1")


def _network(recipe: str) -> tuple[str, ...]:
    """The layers of a recipe, by name and not by recipe: what a row changes of it, the training can be told."""
    config = make_config(recipe)
    return ("--model", config.network, "--encoder-sizes", ",".join(map(str, config.encoder_sizes)))


# 200-200 tanh, 50 latents (Burda et al. 2015, section 5). Theirs takes 3,280 passes; with a rate that falls along a
# cosine and a warm-up of the KL fewer do. Without the warm-up 15 latents stay in use, with it 27.
WARM = ("--objective", "warmup", "--rise", "0.1")
BURDA = (*_network("burda"), "--activation", "tanh", "--latent-dim", "50")
BURDA_2 = ("--model", "mlp", "--encoder-sizes", "200,100", "--activation", "tanh", "--latent-dim", "150")
GATED = (*_network("tomczak"), *WARM)
LADDER = ("--model", "conv", "--encoder-sizes", "64,64", "--activation", "elu", "--blocks", "2")
FIVE = (0, 1, 2, 3, 4)
DRAWN = "Static: drawn once for each image, by ourselves; theirs is another draw of the same kind."


def _sprites(name: str, title: str, published: str, bar: float | None = None) -> Row:
    return Row(
        f"sprites-{name}",
        title,
        "MIG from samples (Chen 2018), `sprites` 32x32",
        f"{published} (dSprites)",
        figure="scores.mig_samples",
        bar=bar,
        higher=True,
        seeds=FIVE,
        elsewhere="python -m benchmarks.representations sprites",
        files=f"sprites-{name}-*",
        note="Theirs is dSprites, 64x64; ours the sprites that Muscope draws: the order compares, not the numbers.",
    )


ROWS = (
    Row(
        "pytorch-examples",
        "VAE of the PyTorch examples, 10 epochs",
        "grey MNIST, test loss: cross-entropy of grey pixels + KL, a pseudo-likelihood",
        "103.5 to 107 (re-runs of pytorch/examples; flax's README: about 104)",
        ("--data", "mnist", "--recipe", "pytorch", "--epochs", "10"),
        (),
        "test_loss",
        bar=107.0,
        seeds=FIVE,
    ),
    Row(
        "burda-vae",
        "VAE, 1 layer, 50 latents, 200-200 tanh",
        DYNAMIC,
        "86.76 (Burda 2015), 86.35 (Tucker 2018)",
        _mnist(*BURDA, *WARM, epochs=600),
        bar=87.5,
    ),
    Row(
        "burda-iwae5",
        "IWAE-5, the same network",
        DYNAMIC,
        "85.54 (Burda 2015), 84.90 (Tucker 2018)",
        _mnist(*BURDA, "--objective", "iwae", "--samples", "5", epochs=900),
        bar=86.2,
    ),
    Row(
        "burda-iwae50",
        "IWAE-50, the same network",
        DYNAMIC,
        "84.78 (Burda 2015), 84.32 (Tucker 2018)",
        _mnist(*BURDA, "--objective", "iwae", "--samples", "50", epochs=1000),
        bar=84.78,
        gpu=True,
    ),
    Row(
        "burda-vae-2",
        "VAE, 2 layers, 50 over 100 latents",
        DYNAMIC,
        "85.33 (Burda 2015), 84.83 (Tucker 2018)",
        _mnist(*BURDA_2, "--levels", "50,100", epochs=1000),
        bar=85.33,
        gpu=True,
    ),
    Row(
        "burda-iwae50-2",
        "IWAE-50, 2 layers, 50 over 100 latents",
        DYNAMIC,
        "82.90 (Burda 2015), 82.82 (Tucker 2018)",
        _mnist(*BURDA_2, "--levels", "50,100", "--objective", "iwae", "--samples", "50", epochs=1000),
        bar=82.90,
        gpu=True,
    ),
    Row(
        "static-vae",
        "VAE, 1 layer, 50 latents, 200-200 tanh",
        STATIC.format("5,000"),
        "88.71, IWAE-50 87.10 (Burda 2015)",
        _mnist(*BURDA, *WARM, epochs=600, binarise="static"),
        note=DRAWN,
    ),
    Row(
        "gated-40",
        "VAE, gated 300-300, 40 latents",
        DYNAMIC,
        "84.45 (Tomczak and Welling 2018)",
        _mnist(*GATED, "--latent-dim", "40", epochs=1000),
        bar=84.45,
        gpu=True,
    ),
    Row(
        "gated-40-fashion",
        "VAE, gated 300-300, 40 latents",
        "dynamic Fashion-MNIST, k = 5,000",
        "228.70 (Tomczak and Welling 2018)",
        _mnist(*GATED, "--latent-dim", "40", epochs=1000, data="fashion-mnist"),
        bar=228.70,
        gpu=True,
    ),
    Row(
        "hvae-gated",
        "two-level HVAE, gated 300-300, 40 over 40 latents",
        DYNAMIC,
        "82.39 (Tomczak and Welling 2018)",
        _mnist(*GATED, "--latent-dim", "80", "--levels", "40,40", epochs=1000),
        gpu=True,
    ),
    Row(
        "hvae-gated-fashion",
        "two-level HVAE, gated 300-300, 40 over 40 latents",
        "dynamic Fashion-MNIST, k = 5,000",
        "227.37 (Tomczak and Welling 2018)",
        _mnist(*GATED, "--latent-dim", "80", "--levels", "40,40", epochs=1000, data="fashion-mnist"),
        gpu=True,
    ),
    Row(
        "ladder-3",
        "convolutional, 3 levels",
        STATIC.format("1,000"),
        "79.24; 6 levels 78.52",
        _mnist(*LADDER, "--latent-dim", "372", "--levels", "32,144,196", epochs=400, binarise="static"),
        ("--suite", "likelihood", "--k", "1000"),
        bar=81.7,
        gpu=True,
        note=DRAWN,
    ),
    _sprites("vae", "VAE", ".10"),
    _sprites("beta", "beta-VAE, beta 4", ".21"),
    _sprites("tc", "beta-TCVAE, beta 6", ".45"),
    _sprites("factor", "FactorVAE, gamma 10", ".43 with gamma 40"),
    Row(
        "oneclass",
        "VAE of one digit, ten of them, the best of our scores",
        "mean AUROC, one digit of MNIST normal",
        ".948 (Deep SVDD, Ruff 2018)",
        figure="auroc.*",
        bar=0.965,
        higher=True,
        elsewhere="python -m benchmarks.representations oneclass",
        files="oneclass-mnist-*",
        parts=10,
    ),
)
NAMES = tuple(row.name for row in ROWS)


def row_of(name: str) -> Row | None:
    """The row of this name, or None."""
    return next((row for row in ROWS if row.name == name), None)
