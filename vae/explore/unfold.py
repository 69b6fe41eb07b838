"""The map as it unfolds: one flat view for each moment of a training, laid so that the dots do not jump between them.

Codes of two numbers are a map already and are shown as they are. Others are seen from where they spread most, and that
view is turned, or mirrored, until it lies on the one before it as well as it can. Nothing is stretched: distances in a
frame are those of its plane, in standard deviations of the prior, and the middle of the map is the prior's.
"""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageColor, ImageDraw, ImageFont

from vae.errors import VAEError
from vae.explore import render
from vae.explore.codes import Floats, many_codes
from vae.frames import Frame
from vae.history import History

# As on the page: circles of the prior, how far is seen at least, and room around it.
RINGS, LEAST, ROOM = (1, 2, 3), 3.3, 1.06
SHARE, CALM = 0.995, 0.85  # of the dots are in sight; of how far is seen remains from one frame to the next
MAP, SIDE, HEAD, GAP = 360, 240, 30, 12  # pixels of the film: the map, the pictures beside it, the line above
WIDE = MAP + GAP + SIDE
LINE, NAMED = 22, 20  # pixels of a row of the legend below; classes that it names
FINE = 2  # drawn so much larger first, so that dots are round
PAPER, INK, PALE, FAINT = (255, 255, 255), (40, 40, 40), (120, 120, 120), (205, 205, 205)
PACE, HOLD = 8, 3.0  # frames a second; seconds for the last one


def flat(mu: ArrayLike) -> Floats:
    """The plane through the prior's mean in which the codes spread most (Pearson 1901).

    By the covariance of the latents: a frame of 2,000 codes takes milliseconds also with hundreds of latents.

    Args:
        mu: (N, L), the codes.

    Returns:
        xy (N, 2) float32; of two latents the codes themselves, of one latent (mu, 0).

    Raises:
        VAEError: not (N, L), or not finite.
    """
    codes = many_codes(mu)
    if codes.shape[1] <= 2:
        return np.pad(codes, ((0, 0), (0, 2 - codes.shape[1]))).astype(np.float32)
    wide = codes.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)  # the most spread last
    axes = directions[:, :-3:-1]  # (L, 2)
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])  # free: the largest number of each axis is positive
    return (wide @ (axes * signs)).astype(np.float32)


def turn(xy: ArrayLike, before: ArrayLike) -> Floats:
    """Turn and mirror a map about its middle until its dots lie nearest to where they were (Schönemann 1966, eq. 1.7).

    Args:
        xy, before: (N, 2), the same dots now and a moment ago.

    Returns:
        (N, 2) float32: xy times the orthogonal matrix R that makes the sum of |xy R - before|^2 smallest. Distances
        between dots are untouched.

    Raises:
        VAEError: maps that do not have the same dots, or are not finite.
    """
    now, then = many_codes(xy, "the map").astype(np.float64), many_codes(before, "the map").astype(np.float64)
    if now.shape != then.shape or now.shape[1] != 2:
        raise VAEError(f"A map of {now.shape} cannot be laid on one of {then.shape}: they need the same dots.")
    left, _, right = np.linalg.svd(now.T @ then)
    return (now @ (left @ right)).astype(np.float32)


def unfolded(mu: ArrayLike, before: ArrayLike | None = None) -> Floats:
    """The map of one moment: (N, 2) float32, beside the one before it, if there was one.

    Args:
        mu: (N, L), the codes. With two latents they are the map, whatever was before.
        before: (N, 2), what this gave a moment ago.
    """
    xy = flat(mu)
    return xy if before is None or np.shape(mu)[1] == 2 else turn(xy, before)


# ---- a film to keep ------------------------------------------------------------------------------------------------


def film(history: History, colours: Sequence[str]) -> bytes:
    """The unfolding map as a GIF file: the dots, what the model draws from noise, and what it makes of test images.

    Args:
        colours: of the classes, as "#0072b2"; they go round where there are more classes.

    Raises:
        VAEError: the history has no frame.
    """
    if not history.frames:
        raise VAEError("This training has no frame to show yet: wait for its first.")
    inks = [ImageColor.getrgb(colours[i % len(colours)]) for i in range(len(history.dots.names))]
    order = np.random.default_rng(0).permutation(len(history.dots))  # or the last class would lie over all others
    foot = _legend(history.dots.names, inks)
    pages, reach = [], LEAST
    for frame in history.frames:
        reach = max(LEAST, CALM * reach, float(np.quantile(np.hypot(*frame.xy.astype(np.float32).T), SHARE)))
        page = Image.new("RGB", (WIDE, HEAD + MAP + foot.height), PAPER)
        ImageDraw.Draw(page).text((4, 6), _moment(frame), INK, ImageFont.load_default(16))
        page.paste(_map(frame.xy[order], [inks[label] for label in history.dots.labels[order]], reach), (0, HEAD))
        _beside(page, frame)
        page.paste(foot, (0, HEAD + MAP))
        pages.append(np.asarray(page))
    return render.gif(np.stack(pages), fps=PACE, hold=HOLD)


def _map(xy: np.ndarray, inks: Sequence[tuple[int, ...]], reach: float) -> Image.Image:
    wide = MAP * FINE
    scale = wide / (2 * ROOM * reach)  # pixels for a standard deviation of the prior
    picture = Image.new("RGB", (wide, wide), PAPER)
    pen = ImageDraw.Draw(picture)
    for ring in RINGS:
        low, high = wide / 2 - ring * scale, wide / 2 + ring * scale
        pen.ellipse([low, low, high, high], outline=FAINT, width=FINE)
    places = (xy.astype(np.float64) * (1, -1) * scale + wide / 2).tolist()
    for (x, y), ink in zip(places, inks, strict=True):
        pen.ellipse([x - 2 * FINE, y - 2 * FINE, x + 2 * FINE, y + 2 * FINE], fill=ink)
    pen.rectangle([0, 0, wide - 1, wide - 1], outline=FAINT, width=FINE)
    small = picture.reduce(FINE)
    for ring in RINGS:
        place = (MAP / 2, MAP / 2 + ring * scale / FINE + 2)
        if ring * scale / FINE > 14 * ring:
            ImageDraw.Draw(small).text(place, str(ring), PALE, ImageFont.load_default(11), anchor="mt")
    return small


def _legend(names: Sequence[str], inks: Sequence[tuple[int, ...]]) -> Image.Image:
    """Which colour is which class, in as many rows as it takes; none where there is one class only."""
    font, places, x, y = ImageFont.load_default(13), [], 4, 0
    shown = [*names[:NAMED], *([f"and {len(names) - NAMED} more"] if len(names) > NAMED else [])]
    for name in shown if len(names) > 1 else ():
        wide = 18 + round(font.getlength(name)) + 12
        if x > 4 and x + wide > WIDE:
            x, y = 4, y + LINE
        places.append((x, y, name))
        x += wide
    picture = Image.new("RGB", (WIDE, y + LINE + 4 if places else 0), PAPER)
    pen = ImageDraw.Draw(picture)
    for (x, y, name), ink in zip(places, [*inks[:NAMED], PAPER], strict=False):
        pen.ellipse([x, y + 7, x + 11, y + 18], fill=ink)
        pen.text((x + 18, y + 4), name, INK, font)
    return picture


def _beside(page: Image.Image, frame: Frame) -> None:
    top = HEAD
    for file in (frame.samples, frame.pictures):
        with Image.open(io.BytesIO(file)) as opened:
            picture = opened.convert("RGB")
        small = picture.resize((SIDE, round(picture.height * SIDE / picture.width)), Image.Resampling.BOX)
        page.paste(small, (MAP + GAP, top))
        top += small.height + GAP


def _moment(frame: Frame) -> str:
    """What to call a frame: noise, steps within the first epoch, then epochs."""
    if frame.step == 0:
        return "before the first step"
    if frame.at < 0.995:
        return f"after {frame.step:,} step{'' if frame.step == 1 else 's'}"
    count = f"{round(frame.at, 1):g}"
    return f"after {count} epoch{'' if count == '1' else 's'}"
