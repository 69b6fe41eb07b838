"""A training as it unfolds, or as it was: its map, what the model makes of images and of noise, and the curves."""

import streamlit as st

from live import reels
from live.engine import ModelEntry
from live.reels import Reel
from pages.ui import judged, live, train_settings
from pages.ui.state import State
from vae.errors import VAEError
from vae.train.run import UNDER_WAY, Run

PROVES = "Where dots of one colour draw together, the model found by itself that these images are alike."
PROVES_NOT = "It was not told the labels, and never learned from these images. How far apart groups lie proves little."
PLANE = {
    "codes": "The two numbers of a code are its place.",
    "pca": "The codes are seen from where they spread most, turned so that they do not jump: groups that overlap here "
    "may be apart in the other dimensions.",
}
RINGS = "The circles are 1, 2 and 3 standard deviations of the prior: where the training pulls the codes."
SCALE = "The circles are 1, 2 and 3 from the middle, for scale: nothing pulls the codes of a plain autoencoder there."
READ = (
    "Between two recorded moments the dots glide; how they went there was not recorded. Press a class to hide it, "
    "twice to see it alone."
)


def has_history(entry: ModelEntry) -> bool:
    """Whether a model was kept with its history."""
    return reels.of_model(entry) is not None


def has_frames(run: Run) -> bool:
    """Whether a training has shown its map yet."""
    return bool(reels.of_run(run.folder).shots)


def draw(state: State, source: Run | ModelEntry) -> None:
    """The unfolding map of a run, or of a model that was kept with its history, and its curves.

    In a fragment that runs once a second it follows the newest frame of a run. Where there is nothing to see yet it
    says so.
    """
    going = isinstance(source, Run) and source.state() in UNDER_WAY
    reel = reels.of_run(source.folder) if isinstance(source, Run) else reels.of_model(source)
    if reel is None or not (reel.shots or reel.drawn):
        if going:
            st.caption("The first pictures come with the first step.")
        return
    name = source.id if isinstance(source, Run) else source.name
    data = {
        "address": reel.address,
        "frames": [[shot.name, shot.step, shot.at] for shot in reel.shots],
        "curves": reel.drawn,
        "going": going,
        "title": f"{name}-unfolding",
    }
    live.mount("unfold", state, "unfold", data | _words(reel, _is_point(source)))


def _is_point(source: Run | ModelEntry) -> bool:
    return train_settings.is_point(source.arguments) if isinstance(source, Run) else judged.is_point(source)


def _words(reel: Reel, point: bool) -> dict[str, str]:
    """What the picture proves and what it does not, and how to read it."""
    try:
        dots, plane = reel.dots, PLANE[reel.flat]
    except VAEError as error:  # the curves are there all the same
        return {"about": str(error), "read": ""}
    count = f"Each dot is one of {len(dots):,} test images."
    return {
        "about": f"{count} {PROVES} {PROVES_NOT}" if reel.named else count,
        "read": f"{plane} {SCALE if point else RINGS} {READ}",
    }
