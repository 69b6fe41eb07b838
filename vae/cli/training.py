"""One run from beginning to end: data, training, saves, then the model, its codes, its maps and its card.

What is said in the events is on the disk before it is said: an epoch after its save, "done" after the model.
"""

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from vae import checkpoint
from vae.batches import stored
from vae.cli.card import make_card, round_figures
from vae.cli.encode import choose_rows, encode_images, load_data
from vae.cli.evaluate import figures_of
from vae.cli.progress import Reporter
from vae.cli.project import draw_map
from vae.cli.recorder import Recorder
from vae.config import Config
from vae.data import brought, describe, load
from vae.device import pick_device
from vae.encodings import SPLITS, save_encodings
from vae.errors import VAEError
from vae.evaluate.against_pca import against_pca, read_against_pca
from vae.evaluate.figures import likelihood_phrase
from vae.measure import TestFigures, measure
from vae.model import VAE
from vae.objectives import effective_beta
from vae.train import options, saves
from vae.train.events import EventLog
from vae.train.guard import Diverged
from vae.train.loop import Trainer, Wishes
from vae.train.news import Epoch, Event, Step
from vae.train.parallel import device_of_share, joined
from vae.train.plan import check_out, make_model_config, make_settings
from vae.train.run import Run
from vae.train.settings import Settings
from vae.train.watch import barely_trained_by, resumptions, standing

AGAINST_PCA = "against_pca"  # on the card: how PCA of the same size does
SAVE_AT_LEAST = 300.0  # seconds: epochs that take longer are saved in between


class Cancelled(Exception):
    """Somebody cancelled the run: nothing of it is to be kept."""


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
                course = _Course(run, reporter, asked, device, threads)
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


def _keep_private(folder: Path, data: str, owner: str) -> None:
    """A model of data that a visitor brought and does not share is theirs, until they share it."""
    kind, _, set_id = data.partition(":")
    if kind == brought.KIND and owner and not brought.get(set_id).shared:
        checkpoint.save_owner(folder, checkpoint.Owner(owner, shared=False))


def _say_failed(run: Run, log: EventLog, line: str, **fields: Any) -> None:
    """Say why, in the events or, where the disk takes nothing more, in the room kept for it."""
    try:
        log.say("failed", flush=True, line=line, **fields)
    except VAEError:
        run.write_last_words(line)


class Asked:
    """What people want of a run, read again whenever they changed it."""

    def __init__(self, run: Run, pressed: Callable[[], bool] = lambda: False) -> None:
        self.run, self.pressed = run, pressed
        self._control, self._seen = run.control(), self._mark()

    def __call__(self) -> Wishes:
        """For the loop: cheap enough to be asked at each step."""
        mark = self._mark()
        if mark != self._seen:
            self._control, self._seen = self.run.control(), mark
        stop = {"run": "", "cancel": "stop"}.get(self._control.want, self._control.want)
        return Wishes("stop" if self.pressed() and not stop else stop, self._control.beta, self._control.rate)

    def look(self) -> None:
        """Raise `Cancelled` when somebody cancelled it."""
        self()
        if self._control.want == "cancel":
            raise Cancelled

    def _mark(self) -> tuple[int, int]:
        try:
            found = (self.run.folder / "control.json").stat()
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_ino


class _Course:
    """One run on its way."""

    def __init__(self, run: Run, reporter: Reporter, asked: Asked, device: str, threads: int | None) -> None:
        self.run, self.reporter, self.asked = run, reporter, asked
        self.arguments = options.parse(run.arguments)
        if self.arguments.device == "auto":
            self.arguments.device = device
        self.out = run.model_folder
        self.saves = run.folder / "saves"
        # A run that goes on does so with the threads it began with: with others its sums round otherwise.
        began = next((event for event in run.events()[0] if event["kind"] == "start"), {})
        if count := self.arguments.threads or began.get("threads") or threads:
            torch.set_num_threads(count)
        self.model_id = ""  # of what was kept
        self._saved = time.monotonic()

    def take(self) -> dict[str, Any]:
        """All of it."""
        arguments, say = self.arguments, self.reporter.say
        device = pick_device(device_of_share(arguments.device))
        self.settings = make_settings(arguments)
        config = make_model_config(arguments, describe(arguments.data).shape)
        check_out(self.out)
        with joined(device) as share:
            self.train, self.test = load_data(arguments.data, arguments.limit, self.reporter)
            vae = VAE(config, self.settings.seed).to(device)
            self.steps = -(-len(self.train) // self.settings.batch_size)  # of an epoch
            self.trainer = Trainer(vae, self.train, self.test, self.settings, wishes=self.asked, share=share)
            self._begin()
            try:
                self._train()
            except Diverged:
                if self.trainer.step:  # it is as it was after the last good epoch
                    self._keep()
                raise
        self.asked.look()
        if self.trainer.paused:
            self._save(None)
            say("paused", flush=True, step=self.trainer.step, epoch=self.trainer.epoch, at=self.trainer.at)
            return {}
        result = self._keep()
        say("done" if self.trainer.finished else "stopped", flush=True, **result)
        if self.trainer.finished:
            shutil.rmtree(self.saves, ignore_errors=True)
        return result

    # ---- training --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Take up the newest save, and say where the run stands."""
        trainer, config = self.trainer, self.trainer.vae.config
        said, _ = self.run.events()
        save, bad = saves.newest(self.saves)
        for line in bad:
            self.reporter.say("bad_save", line=line)
        if save is not None:
            trainer.restore(save.tensors, save.facts)
        self.recorder = Recorder(trainer.vae, self.train, self.test, self.run.folder, self.settings)
        self.reporter.say(
            "start",
            data=self.train.name,
            train=len(self.train),
            test=len(self.test),
            epochs=self.settings.epochs,
            steps=self.steps,
            batch_size=self.settings.batch_size,
            latent_dim=config.latent_dim,
            likelihood=likelihood_phrase(config),
            effective_beta=effective_beta(config),
            beta=config.beta,
            rate=self.settings.rate,
            objective=self.settings.objective.kind,
            posterior=config.posterior,
            precision=self.settings.precision,
            device=device_name(trainer.device),
            threads=torch.get_num_threads(),
        )
        if any(event["kind"] == "start" for event in said):
            self.reporter.say("resumed", step=trainer.step, epoch=trainer.epoch)
        last = trainer.last
        if last is not None and last.step == trainer.step:
            if not any(event["kind"] == "epoch" and event.get("step") == last.step for event in standing(said)):
                self.reporter.say("epoch", flush=True, **asdict(last))  # killed after its save and before this word
            self._frame_at_end(last)
        elif trainer.step == 0:
            self._frame()  # noise: what everything begins with

    def _train(self) -> None:
        wish = self.asked().stop
        if wish and self.trainer.step:  # a run that rested and is only to be ended learns no more
            self.trainer.ended = "paused" if wish == "pause" else "stopped"
            return
        for event in self.trainer.run():
            self._hear(event)
            self.asked.look()

    def _hear(self, event: Event) -> None:
        if isinstance(event, Step):
            self._show(event)
            if event.step_total <= 10 or self.reporter.may_say():
                self.reporter.say(event.kind, **asdict(event))
            if self.recorder.due(event.step_total, event.steps, event.at) and event.step < event.steps:
                self._frame()
            if time.monotonic() - self._saved > SAVE_AT_LEAST:
                self._save(None)
        elif isinstance(event, Epoch):
            whole = event.at == event.epoch
            self._save(event.loss if whole else None)
            self.reporter.say(event.kind, flush=True, **asdict(event))
            saves.tidy(self.saves)
            self._frame_at_end(event)
        else:
            self.reporter.say(event.kind, **asdict(event))

    def _show(self, event: Step) -> None:
        note = f"reconstruction {event.recon_nll:.1f}"
        if self.trainer.vae.config.posterior != "point":
            note += f", KL {event.kl:.1f}"
        total = round(self.trainer.steps / event.steps * len(self.train))
        self.reporter.bar("training", round(event.at * len(self.train)), total, note=note)

    def _frame_at_end(self, epoch: Epoch) -> None:
        if epoch.at == epoch.epoch and self.recorder.due(epoch.epoch * self.steps, self.steps, epoch.at):
            self._frame()

    def _frame(self) -> None:
        fields = self.recorder.record(self.trainer.vae, self.trainer.step, self.trainer.at)
        self.reporter.say("frame", **fields)

    def _save(self, loss: float | None) -> None:
        saves.write(self.saves, self.trainer.step, *self.trainer.state(), loss=loss)
        self._saved = time.monotonic()

    # ---- what is kept ----------------------------------------------------------------------------------------------

    def _keep(self) -> dict[str, Any]:
        """Keep the model as others will open it, then what belongs to it; last its card."""
        trainer, arguments = self.trainer, self.arguments
        vae, last = trainer.vae, trainer.last
        if not self.recorder.recorded(trainer.step):
            self._frame()
        now = last if last is not None and last.step == trainer.step else None
        clock = trainer.state()[1]["clock"]
        result: dict[str, Any] = {
            "images_per_second": round(clock["images"] / max(clock["seconds"], 1e-9), 1),
            "seconds": round(clock["seconds"], 2),
            "epochs": int(trainer.at) if trainer.at == int(trainer.at) else round(trainer.at, 2),
            "device": device_name(trainer.device),
            "effective_beta": None if vae.config.posterior == "point" else effective_beta(vae.config),
            "likelihood": likelihood_phrase(vae.config),
            "posterior": vae.config.posterior,
        }
        figures = _rounded(now, vae.config) if now else self._figures(vae)
        card = make_card(self.run, arguments, self.settings, vae.config, (self.train, self.test), result)
        resumed = len(resumptions(self.run.events()[0]))
        card |= {"changes": trainer.changes, "resumed": resumed, "figures": figures}
        self.model_id = checkpoint.save(self.out, vae, card, half=arguments.half)
        _keep_private(self.out, self.train.name, self.run.owner)
        kept = checkpoint.load(self.out, trainer.device)  # from here on the model is what others will open
        if arguments.half:
            figures = self._figures(kept.vae)
        self.recorder.keep(self.out)
        beside = self._add_codes(kept)
        if arguments.evaluate:
            figures = figures_of(kept, self.train, self.test, self.reporter)
        checkpoint.save_card(self.out, card | {"figures": figures} | beside)
        shown = {name: figures[name] for name in ("test_loss", "recon_nll", "kl", "elbo")}
        if (found := read_against_pca(beside.get(AGAINST_PCA))) is not None and found.better == "pca":
            shown["note"] = found.sentence(barely_trained_by(card))
        return shown | result | {"model_id": self.model_id, "run": self.run.id, "folder": str(self.out)}

    def _figures(self, vae: VAE) -> dict[str, Any]:
        return _rounded(measure(vae, stored(self.test, self.trainer.device)), vae.config)

    def _add_codes(self, kept: checkpoint.Checkpoint) -> dict[str, Any]:
        """Encode, then map: PCA at once, so that the model can be opened, and UMAP behind it where it was asked for.

        What it gives belongs on the card: how the model redraws its test images beside PCA of the same size.
        """
        arguments, reporter = self.arguments, self.reporter
        rows = choose_rows(arguments.keep_images, self.train, self.test, arguments.seed)
        encodings = encode_images(kept.vae, self.train.take(rows[0]), self.test.take(rows[1]), reporter)
        if arguments.map != "none":
            encodings = draw_map(encodings, "pca", arguments.seed, reporter)
        save_encodings(kept.folder, encodings)
        if arguments.map in ("umap", "both"):
            encodings = draw_map(encodings, "umap", arguments.seed, reporter, ready=True, model_id=kept.model_id)
            save_encodings(kept.folder, encodings)
        test = self.test.take(rows[1])
        if min(len(self.train), len(test)) < 2:
            return {}
        errors = encodings.recon_error[encodings.split == SPLITS.index("test")]
        opened: dict[str, Any] = {} if arguments.map == "none" else {"ready": True, "model_id": kept.model_id}
        report = reporter.stage("PCA beside it", **opened)
        found = against_pca(errors, self.train, test, kept.config.latent_dim, seed=arguments.seed, progress=report)
        return {AGAINST_PCA: {name: _short(value) for name, value in found.to_json().items()}}


def _rounded(found: Epoch | TestFigures, config: Config) -> dict[str, Any]:
    kl = None if config.posterior == "point" else found.kl  # a code without spread has no KL, and gives no bound
    elbo = None if kl is None else -(found.recon_nll + kl)
    return round_figures({"test_loss": found.loss, "recon_nll": found.recon_nll, "kl": kl, "elbo": elbo})


def _short(value: Any) -> Any:
    """A figure, or an interval, in six digits."""
    return round_figures(value) if isinstance(value, dict) else value


# ---- the world outside ---------------------------------------------------------------------------------------------


@contextmanager
def stop_requests() -> Iterator[Callable[[], bool]]:
    """A question to ask between steps: has somebody pressed Ctrl-C? A second one interrupts."""
    pressed = threading.Event()

    def press(number: int, frame: object) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    on_main_thread = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, press) if on_main_thread else None
    try:
        yield pressed.is_set
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
