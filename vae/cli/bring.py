"""`python -m vae bring`: a model that was trained elsewhere, kept here as a model's folder, with codes of images.

What a visitor brings to the server goes this way too, in a process of its own with limits.
"""

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.progress import Reporter
from vae.errors import VAEError
from vae.train.events import EventLog

if TYPE_CHECKING:
    from vae.data import Images
    from vae.foreign.given import Given
    from vae.foreign.known import Understood

NAME = "bring"
HELP = "Open a model that was trained elsewhere: a folder, a zip, hub:OWNER/MODEL, or adapter:NAME."
HUB, ADAPTER = "hub:", "adapter:"
IMAGES = 4000  # that are encoded, unless asked for otherwise; five of six of them for training
FITTED = 2000  # images that principal axes are fitted on
ROOM = 12 << 30  # bytes of memory of a guarded process


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What, with which images, and where to."""
    parser.add_argument("what", metavar="MODEL", help="a folder, a zip, hub:OWNER/MODEL, or adapter:NAME")
    parser.add_argument("--data", metavar="NAME", help="images to look at it with; its own where it names some")
    parser.add_argument("--title", help="what to call it")
    parser.add_argument("--images", type=int, default=IMAGES, metavar="N", help=f"how many to encode ({IMAGES})")
    parser.add_argument("--axes", type=int, default=0, metavar="L", help="principal axes of a long code (32)")
    parser.add_argument("--umap", action="store_true", help="a UMAP map as well; takes a minute")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the new folder (in MUSCOPE_HOME/models)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images (0)")
    parser.add_argument("--look", action="store_true", help="only say what it is")
    parser.add_argument("--owner", default="", help=argparse.SUPPRESS)  # whose it is on a server of many
    parser.add_argument("--expires", default="", help=argparse.SUPPRESS)
    parser.add_argument("--events", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Look, build, encode, keep."""
    if arguments.guarded:
        _guard()
    from vae.weights import Unopened

    began = time.perf_counter()
    reporter = Reporter(arguments.progress, EventLog(arguments.events) if arguments.events else None)
    try:
        brought, found = understand(arguments.what)
        if arguments.look:
            return _say(arguments, {"kind": found.kind, "title": found.title, "is": found.sentence})
        folder = take(arguments, brought, found, reporter)
    except Unopened as error:
        print(error.lines)  # the one line goes where every refusal goes
        raise
    reporter.close()
    _say(arguments, {"model": folder.name, "kind": found.kind, "seconds": round(time.perf_counter() - began, 1)})


def understand(what: str) -> "tuple[Given | None, Understood]":
    """The files of a model, None where its adapter has them, and what it is.

    Raises:
        VAEError: nothing that Muscope opens.
    """
    from vae.foreign import given, known

    if what.startswith(ADAPTER):
        return None, known.look_at_adapter(what.removeprefix(ADAPTER))
    place = given.from_hub(what.removeprefix(HUB)) if what.startswith(HUB) else Path(what).expanduser()
    brought = given.given(place)
    found = known.look(brought)
    return brought, known.called(found, what.rpartition("/")[2]) if what.startswith(HUB) else found


def take(arguments: argparse.Namespace, brought: "Given | None", found: "Understood", reporter: Reporter) -> Path:
    """Make the model's folder, with its codes and a map of them.

    Returns:
        The folder. With `--umap` it is there, and can be opened, before the second map is.
    """
    from vae.encodings import load_encodings, save_encodings
    from vae.foreign import known
    from vae.home import home

    title = " ".join((arguments.title or found.title).split())[:80] or "A model"
    folder = arguments.out or home() / "models" / known.new_name(title)
    if found.kind == "muscope":
        assert brought is not None
        _take_ours(arguments, brought, found, title, folder, reporter)
    else:
        _take_foreign(arguments, brought, found, title, folder, reporter)
    if arguments.umap and "umap" not in (encodings := load_encodings(folder)).maps:
        from vae.cli.project import draw_map

        save_encodings(folder, draw_map(encodings, "umap", arguments.seed, reporter))
    return folder


# ---- a model of our own --------------------------------------------------------------------------------------------


def _take_ours(
    arguments: argparse.Namespace, brought: "Given", found: "Understood", title: str, folder: Path, reporter: Reporter
) -> None:
    """Its config and weights as they came, byte for byte, so that it stays the same model; its card anew.

    Where the same model is here already, its weights say a word more, so that codes of other images are not mixed up.
    """
    from vae import checkpoint
    from vae.encodings import load_encodings
    from vae.files import write_folder

    with tempfile.TemporaryDirectory(prefix="muscope-bring-") as scratch:
        aside = Path(scratch) / "model"
        aside.mkdir()
        names = [checkpoint.CONFIG, checkpoint.WEIGHTS]
        names += [checkpoint.ADAPTER] if checkpoint.ADAPTER in brought else []
        for name in names:
            brought.copy(name, aside)
        card = brought.json(checkpoint.CARD) if checkpoint.CARD in brought else {}
        card = clean_card(card, title, arguments.owner)
        checkpoint.save_card(aside, card)
        model = checkpoint.load(aside)
        kept = b""
        if checkpoint.ENCODINGS in brought and not arguments.data:
            brought.copy(checkpoint.ENCODINGS, aside)
            with contextlib.suppress(VAEError):  # damaged: made anew
                if _sound(load_encodings(aside), model.config.latent_dim):
                    kept = (aside / checkpoint.ENCODINGS).read_bytes()
        if not kept:
            train, test = _images(arguments, arguments.data or _said_data(card), found, reporter)
            kept = _encoded(model.vae, train, test, reporter)
            card["data"] = _data(train, test)
        files = {name: (aside / name).read_bytes() for name in names}
        card_bytes = json.dumps(card, indent=2, ensure_ascii=False).encode(errors="backslashreplace")
        files |= {checkpoint.CARD: card_bytes, checkpoint.ENCODINGS: kept} | _owned(arguments)
        write_folder(checkpoint.check_place(folder), checkpoint.told_apart(files, folder), name="the model")


def clean_card(card: object, title: str, owner: str) -> dict[str, Any]:
    """What is kept of a card that came from elsewhere: short words, numbers, and data that its owner may see.

    Args:
        owner: who brings it, as the books know people; "" for whoever works on this machine.
    """
    card = card if isinstance(card, dict) else {}
    kept: dict[str, Any] = {"title": title}
    for name in ("sentence", "likelihood", "binarisation", "made", "license", "device"):
        if isinstance(card.get(name), str):
            kept[name] = card[name][:300]
    for name in ("effective_beta", "seed", "epochs", "seconds"):
        if _number(card.get(name)):
            kept[name] = card[name]
    figures = card.get("figures")
    if isinstance(figures, dict):
        plain = {k: v for k, v in list(figures.items())[:60] if isinstance(k, str) and len(k) <= 40}
        kept["figures"] = {k: v for k, v in plain.items() if _number(v) or (isinstance(v, str) and len(v) <= 80)}
    said = card.get("data")
    if isinstance(said, dict):
        data = {k: said[k][:300] for k in ("title", "credit") if isinstance(said.get(k), str)}
        data |= {k: said[k] for k in ("train", "test") if type(said.get(k)) is int and 0 <= said[k] < 10**9}
        named = said.get("name")
        # A path of whoever made it means another file here, and would be shown as one of its images.
        if isinstance(named, str) and _may_see(named, owner):
            data["name"] = named
        kept["data"] = data
    return kept


def _may_see(name: str, owner: str) -> bool:
    from vae import data

    if name in data.NAMES:
        return True
    if not name.startswith("brought:"):
        return False
    from vae.data import brought

    try:
        found = brought.get(name.partition(":")[2])
    except VAEError:
        return False
    return found.shared or not owner or found.owner == owner


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12  # nan is not


def _said_data(card: dict[str, Any]) -> str | None:
    data = card.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None


def _sound(encodings: Any, latent_dim: int) -> bool:
    """Whether codes that came along can be shown: whole, finite, and of this model."""
    import numpy as np

    arrays = (encodings.mu, encodings.logvar, encodings.recon_error, *encodings.maps.values())
    names = (*encodings.label_names, *encodings.attribute_names)
    labels, counts = encodings.labels, len(encodings.label_names)
    return bool(
        encodings.latent_dim == latent_dim
        and len(encodings) > 0
        and all(np.isfinite(array).all() for array in arrays)
        and all(xy.shape == (len(encodings), 2) for xy in encodings.maps.values())
        and set(encodings.maps) <= {"pca", "umap"}
        and set(np.unique(encodings.split)) <= {0, 1}
        and encodings.index.min() >= 0
        and len(names) <= 2000
        and all(isinstance(name, str) and len(name) <= 200 for name in names)
        and (labels is None or not len(labels) or (labels.min() >= 0 and labels.max() < counts))
        and (
            encodings.attributes is None
            or encodings.attributes.shape == (len(encodings), len(encodings.attribute_names))
        )
    )


# ---- a model from elsewhere ----------------------------------------------------------------------------------------


def _take_foreign(
    arguments: argparse.Namespace,
    brought: "Given | None",
    found: "Understood",
    title: str,
    folder: Path,
    reporter: Reporter,
) -> None:
    import numpy as np
    import torch

    from vae.batches import as_x, stored
    from vae.checkpoint import ENCODINGS
    from vae.foreign import adapted, axes, known

    train, test = _images(arguments, arguments.data or found.data, found, reporter)
    plan = known.plan_for(found, train.shape, arguments.axes)
    core = _core(plan, train.shape, brought, title)
    along, share, point = None, 1.0, _is_point(plan, core)
    if plan.axes:
        rows = np.sort(np.random.default_rng(arguments.seed).permutation(len(train))[:FITTED])
        progress = reporter.stage("finding principal axes")
        means = []
        with torch.inference_mode():
            pixels = stored(train.take(rows))
            for start in range(0, len(rows), 64):
                x = as_x(pixels[start : start + 64])
                means.append(core.read(x.expand(-1, 3, -1, -1) if plan.grey else x)[0])
                progress(min(start + 64, len(rows)), len(rows))
        along, share = axes.fit(torch.cat(means).clone(), plan.axes)
        plan = adapted.Plan(plan.kind, plan.network, along.count, plan.grey)
    config = adapted.adapted_config(train.shape, plan.axes or core.latents, point=point and not plan.axes)
    vae = adapted.AdaptedVAE(config, core, along, plan.grey).eval().requires_grad_(False)
    card: dict[str, Any] = {"title": title, "sentence": _sentence(found, core, plan, share)}
    card["data"] = _data(train, test)
    card |= {"origin": known.WORDS[found.kind], "made": datetime.now(UTC).date().isoformat(), "figures": {}}
    kept = _encoded(vae, train, test, reporter)
    adapted.save_adapted(folder, vae, plan, card, {ENCODINGS: kept} | _owned(arguments))


def _core(plan: Any, shape: tuple[int, ...], brought: "Given | None", title: str) -> Any:
    from vae import weights
    from vae.checkpoint import WEIGHTS
    from vae.foreign import adapted, dense, spatial
    from vae.foreign.given import SPATIAL_WEIGHTS

    if brought is None:
        return adapted.core_of(plan, shape).eval().requires_grad_(False)
    name = SPATIAL_WEIGHTS if SPATIAL_WEIGHTS in brought else WEIGHTS
    with tempfile.TemporaryDirectory(prefix="muscope-bring-") as scratch:
        brought.copy(name, Path(scratch))
        tensors = weights.read(Path(scratch) / name)
    if plan.kind == "diffusers":
        tensors = spatial.modern(tensors)
    if plan.kind == "pythae":
        tensors = dense.needed(tensors)
    return adapted.network(plan, shape, tensors, title)


def _is_point(plan: Any, core: Any) -> bool:
    from vae.foreign.adapter import is_point

    return bool(plan.network["point"]) if plan.kind == "pythae" else plan.kind == "own" and is_point(core.made)


def _sentence(found: "Understood", core: Any, plan: Any, share: float) -> str:
    from vae.foreign import known

    if not plan.axes:
        return found.sentence
    return (
        f"{known.WORDS[found.kind]}, its code of {core.latents:,} numbers turned along {plan.axes} principal axes, "
        f"which hold {share:.0%} of how these images differ in it."
    )


# ---- what both need ------------------------------------------------------------------------------------------------


def _images(
    arguments: argparse.Namespace, name: str | None, found: "Understood", reporter: Reporter
) -> "tuple[Images, Images]":
    from vae.cli.encode import choose_rows, load_data
    from vae.data import describe
    from vae.foreign.known import fits

    if not name:
        raise VAEError("It needs images to be looked at with: add --data NAME.")
    if arguments.owner and not _may_see(name, arguments.owner):
        raise VAEError("These data are not yours and not shared: choose others.")
    if why := fits(found, describe(name).shape):
        raise VAEError(f"These data do not suit the model: {why}. Choose others, or bring some of its size.")
    if arguments.images < 20:
        raise VAEError(f"--images {arguments.images}: give at least 20, or there is nothing to see on a map.")
    train, test = load_data(name, None, reporter)
    part = arguments.images // 6
    kept = (min(len(train), arguments.images - part), min(len(test), max(part, 1)))
    rows = choose_rows(kept, train, test, arguments.seed)
    return train.take(rows[0]), test.take(rows[1])


def _encoded(vae: Any, train: "Images", test: "Images", reporter: Reporter) -> bytes:
    """What its encodings.safetensors holds: codes of both splits, and a PCA map."""
    from vae.checkpoint import ENCODINGS
    from vae.cli.project import draw_map
    from vae.encodings import encode, join, save_encodings

    size = 64 if max(vae.config.shape[-2:]) > 32 else 256
    parts = [
        encode(vae, split, batch_size=size, progress=reporter.stage(f"encoding {split.split} images"))
        for split in (train, test)
    ]
    with tempfile.TemporaryDirectory(prefix="muscope-bring-") as scratch:
        save_encodings(Path(scratch), draw_map(join(*parts), "pca", 0, reporter))
        return (Path(scratch) / ENCODINGS).read_bytes()


def _data(train: "Images", test: "Images") -> dict[str, Any]:
    from vae.data import describe

    counts = {"train": len(train), "test": len(test)}
    return {"name": train.name, "title": describe(train.name).title, "credit": train.credit} | counts


def _owned(arguments: argparse.Namespace) -> dict[str, bytes]:
    from vae.checkpoint import OWNER, Owner, owner_bytes

    if not arguments.owner:
        return {}
    return {OWNER: owner_bytes(Owner(arguments.owner, shared=False, expires=arguments.expires))}


def _say(arguments: argparse.Namespace, result: dict[str, Any]) -> None:
    line = f"{result['title']}: {result['is']}" if "is" in result else f"Kept as {result['model']}."
    print(json.dumps(result) if arguments.json else line)


def _guard() -> None:
    """Limits on what this process may take, before anything that was brought is touched; told to end, it tidies up."""
    import resource

    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, 1024), (resource.RLIMIT_FSIZE, 4 << 30)]
    if sys.platform == "linux":
        limits.append((resource.RLIMIT_DATA, ROOM))
    for what, most in limits:
        hard = resource.getrlimit(what)[1]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
