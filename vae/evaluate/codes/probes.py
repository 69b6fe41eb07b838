"""What can be read off the codes: labels and attributes, by a line and by neighbours, against pixels and PCA.

One protocol for all three. What is fitted (means, principal components, the probe) is fitted on training images;
what is said is of test images. PCA has as many numbers as the code.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from vae.checkpoint import Checkpoint
from vae.data.images import Images, public_name
from vae.encodings import encode
from vae.errors import VAEError
from vae.evaluate.estimate import Estimate, bootstrapped, mean_of, resampled, share
from vae.evaluate.figures import NEIGHBOURS, Stage, knn_labels
from vae.evaluate.strange.strangeness import nearest

LIMIT = 10_000  # training images, and test images, at most
PENALTY = 1.0  # scikit-learn's C, and 1 / alpha of the ridge, on standardised numbers
ROUNDS = 200  # of the solver, at most
SPACES = {"mu": "code", "pca": "PCA", "pixels": "raw pixels"}
PROBES = ("linear", "k-NN")


@dataclass(frozen=True)
class Read:
    """How well one thing is read off one space by one probe, on test images.

    Attributes:
        what: "label", or an attribute's name. probe: "linear" or "k-NN". space: of SPACES. size: its numbers.
        measure: "accuracy", or "R2", the share of variance (0 as good as the mean, negative worse).
        score: with its 95 % interval.
    """

    what: str
    probe: str
    space: str
    size: int
    measure: str
    score: Estimate


@dataclass(frozen=True)
class Lead:
    """By how much the code is read better than PCA of equal size, on the same test images, with its 95 % interval."""

    what: str
    probe: str
    measure: str
    score: Estimate


@dataclass(frozen=True)
class Probes:
    """What `measure_probes` found; `train` and `test` images are behind it."""

    read: tuple[Read, ...]
    leads: tuple[Lead, ...]
    train: int
    test: int

    def to_json(self) -> dict[str, Any]:
        """A dict of plain JSON values."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a terminal: a table, a row for what is read from, a column for each probe."""
        return lines_of(self.to_json())


def lines_of(found: Mapping[str, Any]) -> list[str]:
    """What was kept of probes as a table: a row for what is read from, a column for each probe; accuracy in per cent.

    Args:
        found: as `Probes.to_json` gives it; of another form, its own lines as they are.
    """
    try:
        read, leads = found["read"], found["leads"]
        flows = [one["measure"] == "R2" for one in read]
        several = len({one["what"] for one in read}) > 1
        kinds = "R2, share of variance" if all(flows) else "read rightly, or R2" if any(flows) else "read rightly"
        rows: list[tuple[str, ...]] = [(kinds, *PROBES)]
        for what in dict.fromkeys(one["what"] for one in read):
            before = f"{what}: " if several else ""
            for space, words in SPACES.items():
                cells = {one["probe"]: one for one in read if (one["what"], one["space"]) == (what, space)}
                size = cells[PROBES[0]]["size"]
                rows.append((f"{before}{words}, {size:,} numbers", *(_cell(cells[probe], False) for probe in PROBES)))
            ahead = {one["probe"]: one for one in leads if one["what"] == what}
            rows.append((f"{before}code less PCA", *(_cell(ahead[probe], True) for probe in PROBES)))
        images = (f"{found['train']:,} to fit, {found['test']:,} to score",)
    except (KeyError, TypeError, ValueError):  # written by hand, or by another version
        return list(found.get("lines", ()))
    rows.append(("images", *images))
    wide = max(len(row[0]) for row in rows)
    return [f"{row[0]:<{wide}}  " + "  ".join(f"{cell:<26}" for cell in row[1:]).rstrip() for row in rows]


def _cell(one: Mapping[str, Any], lead: bool) -> str:
    """ "95.6% (95.2 to 96.0)"; a lead with its sign, in points."""
    sign, score = "+" if lead else "", one["score"]
    if one["measure"] == "R2":
        return f"{score['value']:{sign}.3f} ({score['low']:{sign}.3f} to {score['high']:{sign}.3f})"
    value, low, high = (100 * score[name] for name in ("value", "low", "high"))
    return f"{value:{sign}.1f}{' points' if lead else '%'} ({low:{sign}.1f} to {high:{sign}.1f})"


def measure_probes(
    model: Checkpoint,
    train: Images,
    test: Images,
    *,
    seed: int = 0,
    stage: Stage = lambda what: lambda done, total: None,
    limit: int = LIMIT,
) -> Probes:
    """Read labels, or else attributes, off the codes, off PCA of equal size and off raw pixels.

    The linear probe is a logistic regression (a ridge regression for what flows) of standardised numbers. Neighbours
    are the 5 nearest, in the space as it is: standardised, numbers that say nothing would speak as loud as the others.

    Args:
        limit: training images and test images, at most, chosen by the seed. More: narrower intervals, longer.

    Raises:
        VAEError: images with neither labels nor attributes, or with one label only.
    """
    wanted = _targets(train, test)
    generator = np.random.default_rng(seed)
    train, test = (images.take(np.sort(generator.permutation(len(images))[:limit])) for images in (train, test))
    fitted, asked = (_flat(images) for images in (train, test))
    codes = [encode(model.vae, images, progress=stage("encoding")).mu for images in (train, test)]
    size = model.config.latent_dim
    spaces = {"mu": (codes[0], codes[1]), "pca": pca(fitted, asked, size, seed), "pixels": (fitted, asked)}
    progress = stage("probes")
    read, leads, done = [], [], 0
    for what, values in wanted.items():
        known, truth = values(train), values(test)
        flows = len(np.unique(known)) > 2 and what != "label"
        right: dict[tuple[str, str], np.ndarray] = {}
        for space, (to_fit, to_score) in spaces.items():
            guesses = {
                "linear": linear_guesses(to_fit, known, to_score, flows),
                "k-NN": _neighbours_say(to_fit, known, to_score, flows),
            }
            for probe, guess in guesses.items():
                right[probe, space] = np.square(guess - truth) if flows else (guess == truth).astype(np.float64)
                score = _explained(right[probe, space], truth, generator) if flows else _accuracy(right[probe, space])
                measure = "R2" if flows else "accuracy"
                read.append(Read(what, probe, space, to_fit.shape[1], measure, score))
            done += 1
            progress(done, len(wanted) * len(spaces))
        leads += [_lead(what, probe, right, truth, flows, generator) for probe in ("linear", "k-NN")]
    return Probes(tuple(read), tuple(leads), len(train), len(test))


def pca(fitted: np.ndarray, asked: np.ndarray, size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Both in the first principal components of the first, as many as asked for and as there are: (N, S), (M, S)."""
    from sklearn.decomposition import PCA  # a second to import

    most = min(size, *fitted.shape)
    found = PCA(most, svd_solver="randomized", random_state=seed, iterated_power=7).fit(fitted)
    return found.transform(fitted), found.transform(asked)


def linear_guesses(fitted: np.ndarray, known: np.ndarray, asked: np.ndarray, flows: bool) -> np.ndarray:
    """(M,) what a linear probe, fitted on (N, D) and what is known of them (N,), says of (M, D)."""
    from sklearn.linear_model import LogisticRegression, Ridge

    centre, spread = fitted.mean(axis=0, dtype=np.float64), fitted.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 1e-8, spread, 1.0)  # a pixel that is always black stays at 0
    to_fit, to_score = (fitted - centre) / scale, (asked - centre) / scale
    if flows:
        guesses: np.ndarray = Ridge(alpha=1 / PENALTY).fit(to_fit, known).predict(to_score)
        return guesses
    if len(np.unique(known)) < 2:
        return np.full(len(asked), known[0])
    import warnings

    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # Where the classes can be parted there is no end to it: what it knows after so many rounds is what is asked.
        warnings.simplefilter("ignore", ConvergenceWarning)
        said: np.ndarray = LogisticRegression(C=PENALTY, max_iter=ROUNDS).fit(to_fit, known).predict(to_score)
    return said


def _neighbours_say(fitted: np.ndarray, known: np.ndarray, asked: np.ndarray, flows: bool) -> np.ndarray:
    if not flows:
        return knn_labels(fitted, known, asked)
    guesses: np.ndarray = known[nearest(fitted, asked, NEIGHBOURS)].mean(axis=1)
    return guesses


def _accuracy(right: np.ndarray) -> Estimate:
    return share(int(right.sum()), len(right))


def _explained(squared: np.ndarray, truth: np.ndarray, generator: np.random.Generator) -> Estimate:
    """1 - the mean squared error over the variance of the truth, with a bootstrap interval."""
    again = [_r2(squared, truth, times) for times in resampled(len(truth), generator)]
    return bootstrapped(_r2(squared, truth, np.ones(len(truth))), np.array(again))


def _r2(squared: np.ndarray, truth: np.ndarray, times: np.ndarray) -> float:
    centre = (times * truth).sum() / times.sum()
    return float(1 - (times * squared).sum() / (times * np.square(truth - centre)).sum())


def _lead(
    what: str,
    probe: str,
    right: dict[tuple[str, str], np.ndarray],
    truth: np.ndarray,
    flows: bool,
    generator: np.random.Generator,
) -> Lead:
    """Image by image: what both get right or wrong alike says nothing about which is better, and drops out."""
    mine, theirs = right[probe, "mu"], right[probe, "pca"]
    if not flows:
        return Lead(what, probe, "accuracy", mean_of(mine - theirs))
    again = [_r2(mine, truth, times) - _r2(theirs, truth, times) for times in resampled(len(truth), generator)]
    every = np.ones(len(truth))
    return Lead(what, probe, "R2", bootstrapped(_r2(mine, truth, every) - _r2(theirs, truth, every), np.array(again)))


def _targets(train: Images, test: Images) -> dict[str, Callable[[Images], np.ndarray]]:
    """What there is to read: the label, else each attribute that varies."""
    if train.labels is not None and test.labels is not None:
        if len(np.unique(train.labels)) < 2:
            raise VAEError("All training images have one label: there is nothing to read off the codes.")
        return {"label": lambda images: np.asarray(images.labels)}
    if train.attributes is None or test.attributes is None:
        raise VAEError(
            f"Probes read labels or attributes, and {public_name(train.name)} has neither: put the images of each "
            "label into a folder of its own."
        )

    def column(place: int) -> Callable[[Images], np.ndarray]:
        def values(images: Images) -> np.ndarray:
            assert images.attributes is not None
            found = images.attributes[:, place]
            # Two values are a label, whatever they are; numpy's rounding must not make three of them.
            return found.astype(np.int64) if set(np.unique(found)) <= {0.0, 1.0} else found.astype(np.float64)

        return values

    return {
        name: column(place)
        for place, name in enumerate(train.attribute_names)
        if len(np.unique(train.attributes[:, place])) > 1 and len(np.unique(test.attributes[:, place])) > 1
    }


def _flat(images: Images) -> np.ndarray:
    pixels = images.pixels.reshape(len(images), -1).astype(np.float32)
    return pixels / 255 if images.pixels.dtype == np.uint8 else pixels
