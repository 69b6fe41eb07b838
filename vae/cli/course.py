"""One run on its way: its data loaded, taken up from its newest save, trained, saved and told, then kept."""

import shutil
import time
from dataclasses import asdict
from typing import Any

import torch

from vae.cli.asked import Asked
from vae.cli.encode import load_data
from vae.cli.keeping import Keeping, device_name
from vae.cli.progress import Reporter
from vae.cli.recorder import Recorder
from vae.data import describe
from vae.device import pick_device
from vae.evaluate.figures import likelihood_phrase
from vae.model import VAE
from vae.objectives import effective_beta
from vae.train import options, saves
from vae.train.guard import Diverged
from vae.train.loop import Trainer
from vae.train.news import Epoch, Event, RolledBack, Step
from vae.train.parallel import device_of_share, joined
from vae.train.plan import check_out, make_model_config, make_settings
from vae.train.run import Run
from vae.train.watch import standing

SAVE_AT_LEAST = 300.0  # seconds: epochs that take longer are saved in between
SAVE_WORTH = 20.0  # times what a save takes lie between two of them: a few images have epochs of milliseconds
UNSAID = "unsaid"  # in a save: the epochs that were finished since the one before, and are said after it
SAID_WITHIN = 2.0  # seconds after which an epoch is saved whatever that takes, for it is not said before


class Course:
    """One run on its way."""

    def __init__(self, run: Run, reporter: Reporter, asked: Asked, device: str, threads: int | None) -> None:
        self.run, self.reporter, self.asked = run, reporter, asked
        self.arguments = options.parse(run.arguments)
        if self.arguments.device == "auto":
            self.arguments.device = device
        self.saves = run.folder / "saves"
        # A run that goes on does so with the threads it began with: with others its sums round otherwise.
        began = next((event for event in run.events()[0] if event["kind"] == "start"), {})
        if count := self.arguments.threads or began.get("threads") or threads:
            torch.set_num_threads(count)
        self.keeping: Keeping | None = None
        self._saved = time.monotonic()
        self._saved_step = -1
        self._save_took = 0.0  # seconds, the last of them
        self._unsaid: list[Epoch] = []  # epochs that no save holds yet

    def take(self) -> dict[str, Any]:
        """All of it."""
        arguments, say = self.arguments, self.reporter.say
        device = pick_device(device_of_share(arguments.device))
        self.settings = make_settings(arguments)
        config = make_model_config(arguments, describe(arguments.data).shape)
        check_out(self.run.model_folder)
        with joined(device) as share:
            self.train, self.test = load_data(arguments.data, arguments.limit, self.reporter)
            self.keeping = Keeping(self.run, arguments, self.settings, (self.train, self.test), self.reporter)
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
            # What was wished at the end of an epoch was heard after its save: a rest is saved anew.
            if self.trainer.paused or self._unsaid or self._saved_step != self.trainer.step:
                self._save()
        self.asked.look()
        if self.trainer.paused:
            say("paused", flush=True, step=self.trainer.step, epoch=self.trainer.epoch, at=self.trainer.at)
            return {}
        result = self._keep()
        say("done" if self.trainer.finished else "stopped", flush=True, **result)
        if self.trainer.finished:
            shutil.rmtree(self.saves, ignore_errors=True)
        return result

    @property
    def model_id(self) -> str:
        """Of what was kept, "" where nothing was."""
        return self.keeping.model_id if self.keeping else ""

    def _keep(self) -> dict[str, Any]:
        assert self.keeping is not None
        if not self.recorder.recorded(self.trainer.step):
            self._frame()
        return self.keeping.keep(self.trainer, self.recorder)

    # ---- training --------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Take up the newest save, and say where the run stands."""
        trainer, config = self.trainer, self.trainer.vae.config
        said, _ = self.run.events()
        save, bad = saves.newest(self.saves)
        for line in bad:
            self.reporter.say("bad_save", line=line)
        unsaid = []
        if save is not None:
            unsaid = save.facts.pop(UNSAID, [])
            trainer.restore(save.tensors, save.facts)
            self._saved_step = trainer.step
        self.recorder = Recorder(trainer.vae, self.train, self.test, self.run.folder, self.settings)
        self.reporter.say(
            "start",
            data=self.train.name,
            train=len(self.train),
            test=len(self.test),
            epochs=self.settings.epochs,
            steps=self.steps,
            batch_size=self.settings.batch_size,
            shape=list(config.shape),
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
        heard = {event["step"] for event in standing(said) if event["kind"] == "epoch"}
        for epoch in unsaid:
            if epoch["step"] not in heard:  # killed after its save and before this word
                self.reporter.say("epoch", flush=True, **epoch)
        last = trainer.last
        if last is not None and last.step == trainer.step:
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
            long_ago = time.monotonic() - self._saved > SAVE_AT_LEAST
            if event.step < event.steps and (long_ago or (self._unsaid and self._worth_a_save())):
                self._save()
        elif isinstance(event, Epoch):
            self._unsaid.append(event)
            if self._worth_a_save():
                self._save()
            self._frame_at_end(event)
        else:
            if isinstance(event, RolledBack):  # the state is an earlier one by now: they cannot be saved any more
                self._say_epochs()
            elif self._unsaid:  # in the order in which it happened
                self._save()
            self.reporter.say(event.kind, **asdict(event))

    def _worth_a_save(self) -> bool:
        return time.monotonic() - self._saved >= min(SAVE_WORTH * self._save_took, SAID_WITHIN)

    def _say_epochs(self) -> None:
        for event in self._unsaid:
            self.reporter.say(event.kind, flush=event is self._unsaid[-1], **asdict(event))
        self._unsaid.clear()

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

    def _save(self) -> None:
        """Write down where the training stands, and say the epochs that are safe with it."""
        began = time.monotonic()
        tensors, facts = self.trainer.state()
        facts |= {UNSAID: [asdict(event) for event in self._unsaid]}
        ended = next((one for one in self._unsaid[-1:] if one.step == self.trainer.step and one.at == one.epoch), None)
        saves.write(self.saves, self.trainer.step, tensors, facts, loss=ended.loss if ended else None)
        self._say_epochs()
        saves.tidy(self.saves)
        self._saved, self._saved_step = time.monotonic(), self.trainer.step
        self._save_took = self._saved - began
