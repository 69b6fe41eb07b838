"""Samples to take home: a zip of PNG files with a table that says what each one is."""

import csv
import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

from live.answers import picture_bytes
from live.engine import Engine, ModelEntry
from live.samples import Samples
from live.wire import Sample
from vae.errors import VAEError
from vae.explore import render

MOST = 2_000  # pictures
MOST_BYTES = 64 << 20  # of them, before they are packed
AT_ONCE = 100
TABLE = "samples.csv"
COLUMNS = ("file", "label", "prior", "draw", "sample", "temperature", "limit")


def most(entry: ModelEntry) -> int:
    """How many pictures of a model fit into one parcel."""
    return max(1, min(MOST, MOST_BYTES // picture_bytes(entry.shape)))


def parcel(
    engine: Engine,
    samples: Samples,
    entry: ModelEntry,
    wish: Sample,
    kinds: tuple[str, ...] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> bytes:
    """A zip: `samples/00001.png`, ... and `samples.csv`, a row for each with its label.

    Args:
        wish: what is drawn; its count is of all pictures. Picture 1 to 64 are those of the page.
        kinds: "label:3", ...: so many pictures of each in turn, as near to even as the count allows; () for what the
            wish says itself.
        progress: called with (pictures done, pictures).

    Raises:
        VAEError: more pictures than fit, or a kind that these samples hardly ever show.
    """
    if not 1 <= wish.count <= most(entry):
        raise VAEError(f"A parcel holds 1 to {most(entry):,} pictures of this model: ask for as many.")
    asked = [replace(wish, of=kind) for kind in kinds] or [wish]
    shares = [wish.count // len(asked) + (place < wish.count % len(asked)) for place in range(len(asked))]
    file, table, done = io.BytesIO(), io.StringIO(newline=""), 0
    rows = csv.writer(table)
    rows.writerow(COLUMNS)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as packed:  # PNG files are packed already
        for each, count in zip(asked, shares, strict=True):
            if not count:
                continue
            codes = samples.codes(entry, replace(each, count=count))
            for start in range(0, count, AT_ONCE):
                for place, pixels in enumerate(engine.decode(entry, codes[start : start + AT_ONCE]), start=start + 1):
                    done += 1
                    name = f"samples/{done:05}.png"
                    packed.writestr(zipfile.ZipInfo(name), render.png(pixels))  # of no date: the same bytes every time
                    label, numbers = each.of.partition(":")[2], (f"{each.temperature:g}", f"{each.limit:g}")
                    rows.writerow([name, label, each.prior, each.seed, place, *numbers])
                progress(done, wish.count)
        packed.writestr(zipfile.ZipInfo(TABLE), table.getvalue())
    return file.getvalue()
