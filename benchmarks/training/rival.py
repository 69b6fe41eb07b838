"""pythae's own trainer on the task, with our network inside its VAE: run by a Python that has pythae.

The images lie in memory as float32 tensors, as its examples have them.
"""

import tempfile
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.training.contest import Task, say
from benchmarks.training.minimal import Minimal


def train_it(task: Task) -> None:
    """Train, and say the test loss after each epoch."""
    datasets, models, nn_, trainers = (
        import_module(f"pythae.{name}") for name in ("data.datasets", "models", "models.nn", "trainers")
    )
    output: Any = import_module("pythae.models.base.base_utils").ModelOutput
    callback: Any = import_module("pythae.trainers.training_callbacks").TrainingCallback
    encoder_base: Any = nn_.BaseEncoder
    decoder_base: Any = nn_.BaseDecoder
    torch.manual_seed(task.seed)
    train, test = task.images()
    config = task.config(train.shape)
    net = Minimal(config)

    class Encoder(encoder_base):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.mu, self.logvar = net.encoder, net.mu, net.logvar

        def forward(self, x: Tensor) -> Any:
            h = self.body(x)
            return output(embedding=self.mu(h), log_covariance=self.logvar(h))

    class Decoder(decoder_base):
        def __init__(self, body: nn.Module) -> None:
            super().__init__()
            self.body = body

        def forward(self, z: Tensor) -> Any:
            return output(reconstruction=self.body(z).view(-1, *config.shape))

    class Told(callback):
        def on_log(self, training_config: Any, logs: dict[str, float], **more: Any) -> None:
            say(int(more["global_step"]), logs["eval_epoch_loss"])

    def dataset(pixels: Any) -> Any:
        x = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2).float().div(255).contiguous()
        return datasets.BaseDataset(x, torch.zeros(len(x)))

    with tempfile.TemporaryDirectory() as folder:
        settings = trainers.BaseTrainerConfig(
            output_dir=folder,
            num_epochs=task.epochs,
            learning_rate=task.rate,
            per_device_train_batch_size=task.batch_size,
            per_device_eval_batch_size=task.batch_size,
            optimizer_cls="Adam",
            seed=task.seed,
            no_cuda=task.device == "cpu",
        )
        model = models.VAE(
            models.VAEConfig(input_dim=config.shape, latent_dim=config.latent_dim, reconstruction_loss="bce"),
            encoder=Encoder(),
            decoder=Decoder(net.decoder),
        )
        trainers.BaseTrainer(model, dataset(train.pixels), dataset(test.pixels), settings, callbacks=[Told()]).train()


if __name__ == "__main__":
    train_it(Task.read())
