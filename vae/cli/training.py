"""One run: train, keep, encode, map, measure, and write down how it was made."""

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from vae import checkpoint
from vae.batches import as_x, stored
from vae.cli.card import make_card, round_figures
from vae.cli.encode import choose_rows, encode_images, load_data
from vae.cli.evaluate import figures_of
from vae.cli.plan import check_out, make_model_config, make_settings
from vae.cli.progress import Reporter
from vae.cli.project import draw_map
from vae.data import Images, describe
from vae.device import pick_device
from vae.encodings import save_encodings
from vae.errors import VAEError
from vae.evaluate.figures import likelihood_phrase
from vae.explore import render
from vae.files import write_aside
from vae.measure import measure
from vae.model import VAE
from vae.objectives import effective_beta
from vae.train.events import EventLog
from vae.train.loop import Epoch, Step, fit
from vae.train.settings import Settings

PICTURES = 10  # originals above their reconstructions, the same ones throughout a run
SHOWS = 50  # how often pictures are drawn in a long run, about


@dataclass
class Outcome:
    """How far a run came: filled in as it goes."""

    epochs: float = 0
    seconds: float = 0.0
    images_per_second: float = 0.0


def train_model(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do everything that `train` was asked for.

    Returns:
        test_loss, recon_nll, kl, elbo (of the model as it was kept), images_per_second, seconds, epochs, device,
        effective_beta, likelihood and model_id (None when nothing was kept).

    Raises:
        VAEError: before training, when the settings cannot work or the folder cannot be written; after, when the
            loss was no longer finite or the disk was full. The events then end with "failed".
    """
    log = EventLog(arguments.events) if arguments.events else None
    reporter = Reporter(arguments.progress, log)
    try:
        with plain_memory_errors():
            result, stopped = _run(arguments, reporter)
    except VAEError as error:
        reporter.say("failed", line=str(error))
        raise
    except BaseException as error:
        reporter.say("failed", line=f"The training broke off ({type(error).__name__}: {error}); its log has the rest.")
        raise
    finally:
        reporter.close()
    reporter.say("stopped" if stopped else "done", **result)
    return result


def _run(arguments: argparse.Namespace, reporter: Reporter) -> tuple[dict[str, Any], bool]:
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    device = pick_device(arguments.device)
    settings = make_settings(arguments)
    config = make_model_config(arguments, describe(arguments.data).shape)
    if arguments.out:
        check_out(arguments.out)
    elif arguments.evaluate:
        raise VAEError("--evaluate measures the model that was kept: add --out DIR.")
    train, test = load_data(arguments.data, arguments.limit, reporter)
    vae = VAE(config, settings.seed).to(device)
    with stop_requests(arguments.stop_file) as should_stop:
        outcome = _fit(vae, train, test, settings, should_stop, reporter, arguments.events)
    result: dict[str, Any] = {
        "images_per_second": round(outcome.images_per_second, 1),
        "seconds": round(outcome.seconds, 2),
        "epochs": outcome.epochs,
        "device": device_name(device),
        "effective_beta": effective_beta(config),
        "likelihood": likelihood_phrase(config),
        "model_id": None,
    }
    figures = _figures(vae, test)
    if arguments.out:
        card = make_card(arguments, settings, config, train, test, result)
        card["figures"] = figures
        model_id = checkpoint.save(arguments.out, vae, card, half=arguments.half)
        result["model_id"] = model_id
        kept = checkpoint.load(arguments.out, device)  # from here on the model is what others will open
        if arguments.half:
            figures = _figures(kept.vae, test)
        _add_codes(arguments, kept, train, test, reporter)
        if arguments.evaluate:
            figures = figures_of(kept, train, test, reporter)
        card["figures"] = figures
        checkpoint.save_card(arguments.out, card)
    shown = {name: figures[name] for name in ("test_loss", "recon_nll", "kl", "elbo")}
    return shown | result, outcome.epochs < settings.epochs


def _fit(
    vae: VAE,
    train: Images,
    test: Images,
    settings: Settings,
    should_stop: Callable[[], bool],
    reporter: Reporter,
    events: Path | None,
) -> Outcome:
    outcome = Outcome()
    reporter.say(
        "start",
        data=train.name,
        train=len(train),
        test=len(test),
        epochs=settings.epochs,
        latent_dim=vae.config.latent_dim,
        likelihood=likelihood_phrase(vae.config),
        effective_beta=effective_beta(vae.config),
        device=device_name(next(vae.parameters()).device),
    )
    pictures = _Pictures(vae, test, events.parent, reporter) if events else None
    if pictures:
        pictures.draw(0)  # noise: what everything begins with
    for event in fit(vae, train, test, settings, should_stop):
        outcome.images_per_second = event.images_per_second
        if isinstance(event, Step):
            done = event.epoch - 1 + event.step / event.steps
            outcome.epochs = event.epoch if event.step == event.steps else round(done, 2)
            note = f"reconstruction {event.recon_nll:.1f}, KL {event.kl:.1f}"
            total = settings.epochs * len(train)
            reporter.bar("training", round(done * len(train)), total, note=note)
            if reporter.may_say():
                reporter.say("step", **asdict(event))
        elif isinstance(event, Epoch):
            outcome.seconds = event.seconds
            reporter.say("epoch", **asdict(event))
            if pictures and (event.epoch <= 10 or event.epoch % max(1, settings.epochs // SHOWS) == 0):
                pictures.draw(event.epoch)
    return outcome


class _Pictures:
    """The same few test images above their reconstructions at mu, as a PNG in the run's folder, epoch after epoch."""

    def __init__(self, vae: VAE, test: Images, folder: Path, reporter: Reporter) -> None:
        self.vae, self.folder, self.reporter = vae, folder, reporter
        self.x = as_x(stored(test.take(slice(PICTURES)), next(vae.parameters()).device))  # (B, *shape)

    @torch.inference_mode()
    def draw(self, epoch: int) -> None:
        self.vae.eval()
        both = torch.cat([self.x, self.vae.decode(self.vae.encode(self.x).mode())]).cpu().numpy()  # (2B, *shape)
        pixels = render.profile(both) if both.ndim == 2 else render.to_pixels(both)
        if pixels.shape[-1] not in (1, 3):
            pixels = pixels[..., :1]  # more channels than a screen has: the first speaks for them
        picture = render.png(render.tile(pixels, columns=len(self.x)))
        name = f"pictures-{epoch:05d}.png"
        write_aside(self.folder / name, lambda path: path.write_bytes(picture))
        self.reporter.say("pictures", epoch=epoch, file=name)


def _figures(vae: VAE, test: Images) -> dict[str, float]:
    found = measure(vae, stored(test, next(vae.parameters()).device))
    return round_figures(
        {
            "test_loss": found.loss,
            "recon_nll": found.recon_nll,
            "kl": found.kl,
            "elbo": -(found.recon_nll + found.kl),
        }
    )


def _add_codes(
    arguments: argparse.Namespace, kept: checkpoint.Checkpoint, train: Images, test: Images, reporter: Reporter
) -> None:
    """Encode, then map: PCA at once, so that the model can be opened, and UMAP behind it where it was asked for."""
    rows = choose_rows(arguments.keep_images, train, test, arguments.seed)
    encodings = encode_images(kept.vae, train.take(rows[0]), test.take(rows[1]), reporter)
    if arguments.map != "none":
        encodings = draw_map(encodings, "pca", arguments.seed, reporter)
    save_encodings(kept.folder, encodings)
    if arguments.map in ("umap", "both"):
        encodings = draw_map(encodings, "umap", arguments.seed, reporter, ready=True, model_id=kept.model_id)
        save_encodings(kept.folder, encodings)


# ---- the world outside ---------------------------------------------------------------------------------------------


@contextmanager
def stop_requests(stop_file: Path | None) -> Iterator[Callable[[], bool]]:
    """A question to ask between steps: has somebody made the stop file, or pressed Ctrl-C? A second one interrupts."""
    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    on_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, press) if on_main_thread else None
    try:
        yield lambda: pressed.is_set() or (stop_file is not None and stop_file.exists())
    finally:
        if on_main_thread:
            signal.signal(signal.SIGINT, before)


@contextmanager
def plain_memory_errors() -> Iterator[None]:
    """Turn a refusal of memory into one plain line."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if type(error) is RuntimeError and "allocate memory" not in str(error):
            raise
        raise VAEError("The memory is full: choose fewer units, a smaller --batch-size, or fewer images.") from error


def device_name(device: torch.device) -> str:
    """ "cpu", "mps", or "cuda (NVIDIA H200)"."""
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type
