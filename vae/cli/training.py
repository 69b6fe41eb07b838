"""One run from beginning to end: data, training, saves, then the model, its codes, its maps and its card.

What is said in the events is on the disk before it is said: an epoch after its save, "done" after the model.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import torch

from vae.cli.asked import Asked, Cancelled, stop_requests
from vae.cli.course import Course
from vae.cli.encode import load_data
from vae.cli.progress import Reporter
from vae.config import Config
from vae.data import describe, load
from vae.device import pick_device
from vae.errors import VAEError
from vae.model import VAE
from vae.train import options
from vae.train.events import EventLog
from vae.train.guard import Diverged
from vae.train.loop import Trainer
from vae.train.parallel import device_of_share, joined
from vae.train.plan import make_model_config, make_settings
from vae.train.run import Run
from vae.train.settings import Settings


def carry_out(run: Run, *, device: str = "auto", threads: int | None = None, bars: bool = False) -> dict[str, Any]:
    """Do a run that the caller holds, from its newest save where there is one, and say in its events how it ended.

    Args:
        device: for a run that asked for none.
        threads: likewise; None leaves it to torch, which takes all cores.
        bars: show progress on standard error.

    Returns:
        test_loss, recon_nll, kl, elbo (of the model as it was kept), images_per_second, seconds, epochs, device,
        effective_beta, likelihood, posterior, model_id, run and folder; {} when it was paused or cancelled.

    Raises:
        VAEError: the settings cannot work, the data are gone, the disk or the memory is full, training went wrong. The
            events then end with "failed", and what was saved is there still.
    """
    log = EventLog(run.folder / "events.jsonl")
    run.write_last_words("")
    with stop_requests() as pressed:
        asked = Asked(run, pressed)
        reporter = Reporter(bars, log, asked.look)
        try:
            with plain_memory_errors():
                course = Course(run, reporter, asked, device, threads)
                return course.take()
        except Cancelled:
            run.end_cancelled()
            return {}
        except Diverged as error:
            _say_failed(run, log, str(error), model_id=course.model_id)
            raise
        except VAEError as error:
            _say_failed(run, log, str(error))
            raise
        except Exception as error:
            _say_failed(run, log, f"The training broke off ({type(error).__name__}: {error}); its log has the rest.")
            raise
        finally:
            reporter.close()


def warm(device: str, threads: int) -> None:
    """Train a small model for a moment, so that whatever is loaded at a first step is there when somebody waits."""
    torch.set_num_threads(threads)
    train, test = (load("digits", split, limit=64) for split in ("train", "test"))
    config = Config(shape=train.shape, latent_dim=2, encoder_sizes=(8,), decoder_sizes=(8,))
    for _ in Trainer(VAE(config, 0).to(pick_device(device)), train, test, Settings(epochs=1, batch_size=32)).run():
        pass


def take_part(words: Sequence[str]) -> None:
    """The part of a process that torchrun started beside the one that does the run: it trains along and keeps nothing.

    Raises:
        VAEError: as `carry_out`, from whatever befalls this process alone.
    """
    arguments = options.parse(words)
    device = pick_device(device_of_share(arguments.device))
    settings, config = make_settings(arguments), make_model_config(arguments, describe(arguments.data).shape)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    with joined(device) as share, suppress(Diverged), plain_memory_errors():
        train, test = load_data(arguments.data, arguments.limit, Reporter())
        for _ in Trainer(VAE(config, settings.seed).to(device), train, test, settings, share=share).run():
            pass


def _say_failed(run: Run, log: EventLog, line: str, **fields: Any) -> None:
    """Say why, in the events or, where the disk takes nothing more, in the room kept for it."""
    try:
        log.say("failed", flush=True, line=line, **fields)
    except VAEError:
        run.write_last_words(line)


@contextmanager
def plain_memory_errors() -> Iterator[None]:
    """Turn a refusal of memory into one plain line."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if type(error) is RuntimeError and "allocate memory" not in str(error):
            raise
        raise VAEError("The memory is full: choose fewer units, a smaller --batch-size, or fewer images.") from error
