"""A plan in words and previews: what a person sees before anything is kept."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vae.data.intake import columns, fit, meanings
from vae.data.intake.choice import Column, Understood
from vae.data.intake.given import Unreadable
from vae.data.intake.limits import PREVIEWS
from vae.data.intake.survey import Plan, read_row, scaled


def understood(found: Plan) -> Understood:
    """A plan in words and previews."""
    source, choice = found.source, found.choice
    previews: list[bytes] = []
    names: list[str] = []
    classes: tuple[tuple[str, int], ...] = ()
    for row in range(len(source)):
        if len(previews) == PREVIEWS:
            break
        try:
            previews.append(_preview(found, row))
            names.append(source.names[row])
        except Unreadable:
            continue
    if choice.label_column:
        numbers, words = columns.labels(source.columns[choice.label_column], choice.label_column)
        counts = np.bincount(numbers, minlength=len(words))
        classes = tuple((word, int(count)) for word, count in zip(words, counts, strict=True))
    attributes, known = meanings.attributes(found.known, source.columns, found.no_attributes())
    test = int(found.test.sum())
    return Understood(
        kind=source.kind,
        source=source.phrase,
        count=len(source),
        shape=found.shape,
        sizes=tuple((width, height, count) for (width, height), count in found.sizes.most_common(12)),
        channels=found.channels,
        classes=classes,
        columns=tuple(_with_use(found, one) for one in known),
        arrays=source.arrays,
        split=found.split,
        train_size=len(source) - test,
        test_size=test,
        attributes=tuple(attributes),
        left_out=tuple(source.left_out.listed),
        left_out_count=source.left_out.count,
        crops=_crops(found),
        suggested=choice if not source.array else replace(choice, array=source.array),
        warnings=(*source.warnings, *_warnings(found)),
        preview_names=tuple(names),
        flat=len(found.flat),
        histograms=found.histograms,
        previews=tuple(previews),
    )


def _with_use(found: Plan, one: Column) -> Column:
    """A column that is no attribute, with what else it is."""
    choice = found.choice
    if one.name == choice.label_column:
        return replace(one, use="the labels: they colour the map, and each gives a direction on Attributes")
    if one.name == choice.split_column:
        return replace(one, use="says what is for testing")
    if one.name == found.source.path_column:
        return replace(one, use="names the images")
    if one.name in choice.values:
        return replace(one, use="one of the numbers that the model sees")
    return one


def _crops(found: Plan) -> str:
    if found.source.kind != "images" or found.choice.side is None:
        return ""
    total = sum(found.sizes.values())
    cuts: Counter[str] = Counter()
    for (width, height), count in found.sizes.items():
        cuts[fit.cut(width, height, found.choice.side)] += count
    del cuts[""]
    if not cuts:
        return ""
    words = {"sides": "at the sides", "ends": "at the top and the bottom"}
    if found.choice.fit == "crop":
        parts = [f"{count:,} of {total:,} will be cropped {words[where]}" for where, count in cuts.most_common()]
    else:
        other = {"sides": "ends", "ends": "sides"}
        parts = [
            f"{count:,} of {total:,} will get a border {words[other[where]]}" for where, count in cuts.most_common()
        ]
    return ", and ".join(parts) + "."


def _warnings(found: Plan) -> list[str]:
    said = []
    count = len(found.source)
    if count < 500:
        what = "images" if found.source.kind == "images" else "rows"
        said.append(f"{count:,} {what} are few: a small network and a short training suit them.")
    if not found.sure:
        said.append(
            f"{sum(found.sizes.values()):,} images were looked at so far; the rest is checked while the set is made."
        )
    groups = [one.name for one in found.known if one.name.strip().lower() in columns.GROUP_WORDS and one.distinct > 1]
    if groups and not found.choice.split_column:
        said.append(f"Images of one {groups[0]} may be alike: split by column {groups[0]} to keep them together.")
    said += _flat(found)
    if found.smaller:
        said.append(f"{found.smaller:,} images are smaller than the size that was chosen and are enlarged.")
    return said


def _flat(found: Plan) -> list[str]:
    """Sentences on images in which nothing is to be seen."""
    if not found.flat or found.choice.without_flat:
        return []
    count, others = len(found.flat), len(found.other_numbers)
    where = "" if found.plain else " in this window" if len(found.channels) == 1 else " in these windows"
    what = "all black" if found.dark == count else "of one value all over"
    said = [f"{_images(count)} {what}{where}: {listed(found.flat)}."]
    if others:
        said.append(
            f"{listed(found.other_numbers)}: the numbers are of another kind than those of the others (fractions "
            "beside whole numbers, say 0 to 1 beside 0 to 65,535). Save all images with the same numbers."
        )
    return said


def _images(count: int) -> str:
    return "1 image is" if count == 1 else f"{count:,} images are"


def listed(names: Sequence[str], most: int = 5) -> str:
    """ "a.png, b.png and 3 more"."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name[:60] for name in names[:most]) + more


def _preview(found: Plan, row: int) -> bytes:
    from PIL import Image

    if found.source.kind == "images":
        pixels = fit.preview(found.made(read_row(found.source, row)), found.channels)
    else:
        assert found.source.vectors is not None
        pixels = _profile(scaled(found.source.vectors, found.choice.scale)[row])
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def _profile(values: np.ndarray) -> np.ndarray:
    """(D,) in [0, 1] to (64, W, 3) uint8: bars as everywhere else, dark on white, at most 256 wide."""
    if len(values) > 256:
        values = values[np.linspace(0, len(values) - 1, 256).astype(int)]
    wide = -(-128 // len(values))
    filled = np.floor(values * 64 + 0.5)[None, :] > np.arange(64)[::-1, None]
    bars = np.repeat(np.where(filled, 40, 255).astype(np.uint8), wide, axis=1)
    if wide >= 4:
        bars[:, wide - 1 :: wide] = 255
    return np.repeat(bars[..., None], 3, axis=2)
