"""What directions of photographs bring along, and the lock: CelebA's 40 attributes, smiling and eyeglasses.

The photographs (20,000 of CelebA at 64 x 64 pixels: celeba20k-64 in the folder that MUSCOPE_DATA names) are for
research only: they are unpacked and trained on in MUSCOPE_HOME, and nothing made from them ships but figures. The
training is a run like any other: broken off, the same command goes on with it.

The reader learns from the model's own training images, where much goes together, so it may read a thing off its
company; its AUC on held-out images stands beside each attribute.
"""

import argparse
import csv
import gzip
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.directions.entangled import MOVES, broken, table
from benchmarks.report import measured_on, section
from vae import checkpoint, data
from vae.data.images import Images
from vae.errors import VAEError
from vae.evaluate.moves.entangle import SPILL, Entangled, measure_directions
from vae.home import home, runs_folder
from vae.reports import keep_suite, read_report
from vae.train.runs import runs

COMMAND = "python -m benchmarks.directions photographs"
SET = "celeba20k-64"
ASKED = ("Smiling", "Eyeglasses")
TRAINING = (
    *("--model", "conv", "--latent-dim", "64", "--encoder-sizes", "32,64,128,128", "--decoder-sizes", "128,128,64,32"),
    *("--likelihood", "gaussian", "--activation", "silu", "--batch-size", "64", "--epochs", "60", "--decay", "0.6"),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog=COMMAND, description="What directions of photographs bring along.")
    parser.add_argument("--minutes", type=float, default=25, metavar="M", help="of training (25)")
    parser.add_argument("--beta", type=float, default=4, metavar="B", help="weight of the KL (4)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="processor threads (1)")
    parser.add_argument("--images", type=int, default=1000, help="held-out images (1000)")
    options = parser.parse_args(arguments)
    photographs = unpacked()
    model = checkpoint.load(trained(photographs, options))
    found = _kept(model)
    if found is None:
        train, test = (with_attributes(data.load(f"folder:{photographs}", split)) for split in ("train", "test"))
        found = measure_directions(model, train, test, images=options.images, only=ASKED, stage=_said)
        keep_suite(model.folder, model.model_id, "directions", found.to_json())
    missed = [line for name in ASKED for line in broken(found, name)]
    section("directions", "photographs", _page(options, found, missed, model.card))
    return int(found.share(ASKED[0]) < MOVES or bool(missed))


def unpacked() -> Path:
    """The folder with the photographs in one sub-folder, unpacked in MUSCOPE_HOME the first time."""
    folder = home() / SET
    if not (folder / "photographs").is_dir():
        beside = folder / ".unpacking"
        beside.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(_source() / "images.zip") as archive:
            for name in archive.namelist():
                (beside / Path(name).name).write_bytes(archive.read(name))
        os.replace(beside, folder / "photographs")
    return folder


def _source() -> Path:
    place = Path(os.environ.get("MUSCOPE_DATA", "")) / SET
    if not (place / "images.zip").is_file():
        raise VAEError(f"There is no {SET} here: name the folder that holds it in MUSCOPE_DATA.")
    return place


def with_attributes(images: Images) -> Images:
    """The photographs with the 40 attributes of their files: known by their pixels, as a folder keeps no names."""
    rows = {_digest(picture): row for row, picture in enumerate(images.pixels)}
    with gzip.open(_source() / "attributes.csv.gz", "rt", newline="") as lines:
        head, *table = csv.reader(lines)
    values = np.full((len(images), len(head) - 1), np.nan, np.float32)
    with zipfile.ZipFile(_source() / "images.zip") as archive:
        for name, *cells in table:
            with Image.open(io.BytesIO(archive.read(name))) as picture:
                row = rows.get(_digest(np.asarray(picture.convert("RGB"))))
            if row is not None:
                values[row] = [float(cell) for cell in cells]
    known = ~np.isnan(values).any(axis=1)  # of two photographs that are the same, one is left without
    found = images.take(np.flatnonzero(known))
    return Images(
        name=found.name,
        split=found.split,
        pixels=found.pixels,
        attributes=values[known],
        attribute_names=tuple(word.replace("_", " ") for word in head[1:]),
        credit="CelebA (MMLAB, CUHK), for non-commercial research only",
        index=found.index,
    )


def _digest(picture: np.ndarray) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest()


def trained(photographs: Path, options: argparse.Namespace) -> Path:
    """The model's folder; trained now, or gone on with, where it is not there yet."""
    name = f"{SET}-{options.beta:g}"
    folder = home() / "models" / name
    if (folder / checkpoint.WEIGHTS).is_file():
        return folder
    begun = [one for one in runs(runs_folder()) if one.name == name and one.can_resume]
    if begun:
        words = ["runs", "resume", begun[0].id, "--here"]
    else:
        words = ["train", "--data", f"folder:{photographs}", "--name", name, *TRAINING, "--beta", f"{options.beta:g}"]
        words += ["--minutes", f"{options.minutes:g}", "--threads", f"{options.threads}", "--out", str(folder)]
    subprocess.run([sys.executable, "-m", "vae", *words], check=True)
    return folder


def _kept(model: checkpoint.Checkpoint) -> Entangled | None:
    kept = read_report(model.folder, model.model_id).get("directions")
    return None if kept is None else Entangled.from_json(kept)


def _said(what: str) -> Callable[[int, int], None]:
    print(what, file=sys.stderr, flush=True)
    return lambda done, total: None


def _page(options: argparse.Namespace, found: Entangled, missed: list[str], card: dict[str, Any]) -> str:
    read = ", ".join(
        f"{name} {value:.2f}{' (weak)' if weak else ''}"
        for name, value, weak in zip(found.attributes, found.reliability, found.weak, strict=True)
    )
    bars = "; ".join(missed) + "." if missed else "none."
    return f"""## Photographs: what smiling and eyeglasses bring along

{measured_on(f"{COMMAND} -- --minutes {options.minutes:g} --beta {options.beta:g}")} 20,000 photographs of CelebA \
(64 x 64, research only: nothing made from them ships), one in six held out; convolutional VAE with 64 latents, \
{card.get("epochs", 0):.0f} epochs in {card.get("seconds", 0) / 60:.0f} minutes. {found.images:,} held-out ones step \
over to the other side, are decoded, and read from their pixels. Figures as above: standard deviations of the \
attribute over real photographs, corrected for what the reader misses of real ones; spill-over from {SPILL}. Missed of \
the bars of the faces: {bars}

{chr(10).join(table(found, found.directions))}

AUC of the reader on held-out photographs: {read}. Attributes that it reads weakly are left out of the table and of \
the lock.
"""
