"""Train the judge of a data set and keep it where it ships: `python -m tools.train_judge mnist`.

Each batch is a third real images, a third blends of two (mixup), a third of pictures that are none: images whose
patches are shuffled, strokes of two images stitched together, noise, and nothing at all. Real ones move by up to two
pixels. Adam with a rate that falls along a cosine. Minutes on two cores.
"""

import argparse
import json
import math
import sys
import time
from typing import Any

import torch
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.nn import functional as F

from vae import data
from vae.batches import as_x, stored
from vae.evaluate.pictures.judge.classifier import FOLDER, JUDGED, SHAPE, Classifier, Judge
from vae.files import write_aside
from vae.posterior import uniform

HELD_OUT = 5000  # training images that only say how sure the judge is of real ones
QUANTILE = 0.05  # of real images are not recognised
SHIFT = 2  # pixels
PATCH = 7  # pixels


def shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture (B, 1, H, W) moved by up to SHIFT pixels; what comes in is black."""
    count, _, height, width = x.shape
    padded = F.pad(x, (SHIFT,) * 4)
    down, right = torch.randint(0, 2 * SHIFT + 1, (2, count), generator=generator)
    rows = down[:, None, None] + torch.arange(height)[:, None]  # (B, H, 1)
    columns = right[:, None, None] + torch.arange(width)  # (B, 1, W)
    return padded[torch.arange(count)[:, None, None], 0, rows, columns].unsqueeze(1)


def none_of_them(x: Tensor, generator: torch.Generator) -> Tensor:
    """As many pictures that show no class, made of real ones (B, 1, H, W)."""
    shuffled, stitched, noise = x.chunk(3)
    side = SHAPE[1] // PATCH
    patches = F.unfold(shuffled, PATCH, stride=PATCH)  # (b, 49, 16)
    order = uniform((len(shuffled), 1, side * side), generator, x.device).argsort(dim=2).expand_as(patches)
    shuffled = F.fold(patches.gather(2, order), SHAPE[1:], PATCH, stride=PATCH)
    other = stitched.roll(1, dims=0)
    both = torch.cat([stitched[:, :, : SHAPE[1] // 2].flip(2), other[:, :, SHAPE[1] // 2 :].flip(3)], dim=2)
    strength = uniform((len(noise), 1, 1, 1), generator, x.device)
    noise = strength * uniform(noise.shape, generator, x.device)
    noise[::3] = F.avg_pool2d(noise[::3], 5, stride=1, padding=2)
    noise[1::6] = 0
    return torch.cat([shuffled, both, noise])


def batch_loss(network: Classifier, x: Tensor, labels: Tensor, classes: int, generator: torch.Generator) -> Tensor:
    """Cross-entropy, with soft answers, of one batch (B, 1, 28, 28) in three parts."""
    wanted = F.one_hot(labels, classes).float()  # (B, classes)
    x = shifted(x, generator)
    third = len(x) // 3
    share = 0.5 * uniform((third, 1), generator, x.device)  # of the other image in a blend
    own, blended = slice(third, 2 * third), slice(2 * third, 3 * third)
    x_blend = (1 - share[..., None, None]) * x[own] + share[..., None, None] * x[blended]
    wanted_blend = (1 - share) * wanted[own] + share * wanted[blended]
    x_none = none_of_them(x[blended], generator)
    flat = torch.full((len(x_none), classes), 1 / classes)
    inputs = torch.cat([x[: 2 * third], x_blend, x_none])
    answers = torch.cat([wanted[: 2 * third], wanted_blend, flat])
    return F.cross_entropy(network(inputs)[1], answers)


def train(name: str, epochs: int, seed: int, batch: int = 192, rate: float = 2e-3) -> tuple[Classifier, Any, float]:
    """The trained network, its weights rounded to what is kept; the held-out images; seconds."""
    images = data.load(name, "train")
    assert images.labels is not None
    pixels, labels = stored(images), torch.tensor(images.labels)
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(pixels), generator=generator)
    held_out, rows = order[:HELD_OUT], order[HELD_OUT:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Classifier(len(images.label_names))
    optimiser = torch.optim.Adam(network.parameters(), lr=rate)
    steps, done, began = epochs * (len(rows) // batch), 0, time.perf_counter()
    for epoch in range(epochs):
        total = torch.zeros(())
        for part in rows[torch.randperm(len(rows), generator=generator)].split(batch):
            if len(part) < batch:
                break
            for group in optimiser.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * done / steps))
            loss = batch_loss(network, as_x(pixels[part]), labels[part], len(images.label_names), generator)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.detach()
            done += 1
        seconds = time.perf_counter() - began
        print(f"epoch {epoch + 1}: loss {total / (len(rows) // batch):.4f}, {seconds:.0f} s", file=sys.stderr)
    network.load_state_dict({key: value.half().float() for key, value in network.state_dict().items()})
    return network.eval().requires_grad_(False), images.take(held_out.numpy()), time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.train_judge", description=__doc__.splitlines()[0])
    parser.add_argument("data", choices=JUDGED)
    parser.add_argument("--epochs", type=int, default=12, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    network, held_out, seconds = train(options.data, options.epochs, options.seed)
    judge = Judge(options.data, network, {"sure": 0.0})
    sure = judge.look(as_x(stored(held_out))).probabilities.amax(dim=1).quantile(QUANTILE)
    test = data.load(options.data, "test")
    assert test.labels is not None
    looks = judge.look(as_x(stored(test)))
    one, two = stored(test)[:-1], stored(test)[1:]
    differ = torch.tensor(test.labels[:-1] != test.labels[1:])
    blends = judge.look(0.5 * as_x(one[differ]) + 0.5 * as_x(two[differ])).probabilities.amax(dim=1)
    card = {
        "data": options.data,
        "classes": list(test.label_names),
        "sure": round(float(sure), 6),
        "accuracy": float((looks.label.numpy() == test.labels).mean()),
        "recognised": round(float((looks.probabilities.amax(dim=1) >= sure).float().mean()), 4),
        "blends": round(float((blends >= sure).float().mean()), 4),
        "images": len(test),
        "weights": sum(value.numel() for value in network.state_dict().values()),
        "epochs": options.epochs,
        "seed": options.seed,
        "seconds": round(seconds),
        "credit": test.credit,
        "command": f"python -m tools.train_judge {options.data} --epochs {options.epochs} --seed {options.seed}",
    }
    tensors = {key: value.half().contiguous() for key, value in network.state_dict().items()}
    write_aside(FOLDER / f"{options.data}.safetensors", save_tensors(tensors))
    write_aside(FOLDER / f"{options.data}.json", (json.dumps(card, indent=2) + "\n").encode())
    print(json.dumps(card, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
