"""What is kept of a run that is over: the model, its codes, its maps and its card."""

import argparse
from pathlib import Path
from typing import Any

import torch

from vae import checkpoint
from vae.batches import stored
from vae.cli.card import make_card, round_figures
from vae.cli.encode import choose_rows, encode_images
from vae.cli.evaluate import figures_of
from vae.cli.progress import Reporter
from vae.cli.project import draw_map
from vae.cli.recorder import Recorder
from vae.config import Config
from vae.data import Images, brought, source_of
from vae.encodings import SPLITS, save_encodings
from vae.evaluate.against_pca import against_pca, read_against_pca
from vae.evaluate.figures import likelihood_phrase
from vae.measure import TestFigures, measure
from vae.model import VAE
from vae.objectives import effective_beta
from vae.train.loop import Trainer
from vae.train.news import Epoch
from vae.train.run import Run
from vae.train.settings import Settings
from vae.train.watch import barely_trained_by, resumptions

AGAINST_PCA = "against_pca"  # on the card: how PCA of the same size does


class Keeping:
    """Keeps the model of a run.

    Attributes:
        model_id: of what was kept, "" so far.
    """

    def __init__(
        self,
        run: Run,
        arguments: argparse.Namespace,
        settings: Settings,
        data: tuple[Images, Images],
        reporter: Reporter,
    ) -> None:
        self.run, self.arguments, self.settings, self.reporter = run, arguments, settings, reporter
        self.train, self.test = data
        self.out = run.model_folder
        self.model_id = ""

    def keep(self, trainer: Trainer, recorder: Recorder) -> dict[str, Any]:
        """Keep the model as others will open it, then what belongs to it; last its card.

        Args:
            recorder: with a frame of the trainer's last step.

        Returns:
            What `carry_out` gives.

        Raises:
            VAEError: a full disk or memory. Cancelled: somebody cancelled the run.
        """
        arguments, vae, last = self.arguments, trainer.vae, trainer.last
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
        figures = _rounded(now, vae.config) if now else self._figures(vae, trainer.device)
        card = make_card(self.run, arguments, self.settings, vae.config, (self.train, self.test), result)
        resumed = len(resumptions(self.run.events()[0]))
        card |= {"changes": trainer.changes, "resumed": resumed, "figures": figures}
        self.model_id = checkpoint.save(self.out, vae, card, half=arguments.half)
        keep_private(self.out, self.train.name, self.run.owner)
        kept = checkpoint.load(self.out, trainer.device)  # from here on the model is what others will open
        if arguments.half:
            figures = self._figures(kept.vae, trainer.device)
        recorder.keep(self.out)
        beside = self._add_codes(kept)
        if arguments.evaluate:
            figures = figures_of(kept, self.train, self.test, self.reporter)
        checkpoint.save_card(self.out, card | {"figures": figures} | beside)
        shown = {name: figures[name] for name in ("test_loss", "recon_nll", "kl", "elbo")}
        if (found := read_against_pca(beside.get(AGAINST_PCA))) is not None and found.better == "pca":
            shown["note"] = found.sentence(barely_trained_by(card))
        return shown | result | {"model_id": self.model_id, "run": self.run.id, "folder": str(self.out)}

    def _figures(self, vae: VAE, device: torch.device) -> dict[str, Any]:
        return _rounded(measure(vae, stored(self.test, device)), vae.config)

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


def keep_private(folder: Path, data: str, owner: str) -> None:
    """A model of data that a visitor brought and does not share is theirs, until they share it."""
    kind, _, set_id = source_of(data).partition(":")
    if kind == brought.KIND and owner and not brought.get(set_id).shared:
        checkpoint.save_owner(folder, checkpoint.Owner(owner, shared=False))


def device_name(device: torch.device) -> str:
    """ "cpu", "mps", or "cuda (NVIDIA H200)"."""
    return f"cuda ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else device.type
