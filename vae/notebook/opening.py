"""Finding what is on this machine: a model, a training."""

from pathlib import Path

from vae.checkpoint import CONFIG, load, read_card
from vae.device import pick_device
from vae.errors import VAEError
from vae.history import History, history_of_run
from vae.home import home, runs_folder
from vae.notebook.model import Model

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"


def open_model(name: str | Path, model_id: str = "", device: str = "auto") -> Model:
    """A model by its name or its folder.

    Args:
        name: of a model that ships or was made on this machine; or the path of any model's folder.
        model_id: where given, only that very model will do, by its content.
        device: "auto" is what the app uses: a GPU where there is one.

    Raises:
        VAEError: there is none of that name, or it is another one by now.
    """
    path = Path(name)
    places = [path] if path.is_absolute() or len(path.parts) > 1 else [SHIPPED / path, home() / "models" / path, path]
    there = [place for place in places if (place / CONFIG).is_file()]
    if not there:
        raise VAEError(f"There is no model called {path.name}: give its name, or the path of its folder.")
    if model_id:
        there = [place for place in there if read_card(place)[2] == model_id]
        if not there:
            raise VAEError(
                f"The model {path.name} is no longer the one that was asked for ({model_id}): it was replaced."
            )
    return Model(load(there[0], pick_device(device)))


def open_run(run_id: str) -> History:
    """What a training on this machine has shown so far, by its id.

    Raises:
        VAEError: there is no such training, or it has shown nothing yet.
    """
    from vae.train.events import read_events
    from vae.train.watch import standing

    folder = runs_folder() / Path(run_id).name
    if not folder.is_dir():
        raise VAEError(f"There is no training {Path(run_id).name}: it was deleted, or was made on another machine.")
    return history_of_run(folder, standing(read_events(folder / "events.jsonl")[0]))
