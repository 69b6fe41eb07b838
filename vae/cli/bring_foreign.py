"""A model from elsewhere that was brought: its network as ours, a long code turned along principal axes."""

import argparse
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vae import weights
from vae.batches import as_x, stored
from vae.checkpoint import ENCODINGS, WEIGHTS
from vae.cli.bring_codes import data_of, encoded, images_for, owned
from vae.cli.progress import Reporter
from vae.foreign import adapted, axes, dense, known, spatial
from vae.foreign.adapter import is_point
from vae.foreign.given import SPATIAL_WEIGHTS, Given
from vae.foreign.known import Understood

FITTED = 2000  # images that principal axes are fitted on


def take_foreign(
    arguments: argparse.Namespace,
    brought: Given | None,
    found: Understood,
    title: str,
    folder: Path,
    reporter: Reporter,
) -> None:
    """Its network, which images of that size need, and its codes; its card says what it is and where it came from.

    Raises:
        VAEError: weights that are not this network's, or images that do not suit it.
    """
    train, test = images_for(arguments, arguments.data or found.data, found, reporter)
    plan = known.plan_for(found, train.shape, arguments.axes)
    core = given_core(plan, train.shape, brought, title)
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
    card["data"] = data_of(train, test)
    card |= {"origin": known.WORDS[found.kind], "made": datetime.now(UTC).date().isoformat(), "figures": {}}
    kept = encoded(vae, train, test, reporter)
    adapted.save_adapted(folder, vae, plan, card, {ENCODINGS: kept} | owned(arguments))


def given_core(plan: Any, shape: tuple[int, ...], brought: Given | None, title: str) -> Any:
    """The network with the weights that were brought; its adapter's where there are no files."""
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
    return bool(plan.network["point"]) if plan.kind == "pythae" else plan.kind == "own" and is_point(core.made)


def _sentence(found: Understood, core: Any, plan: Any, share: float) -> str:
    if not plan.axes:
        return found.sentence
    return (
        f"{known.WORDS[found.kind]}, its code of {core.latents:,} numbers turned along {plan.axes} principal axes, "
        f"which hold {share:.0%} of how these images differ in it."
    )
