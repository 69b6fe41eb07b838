"""The loop that everybody starts from, with nothing left out and nothing made worse.

A DataLoader over images that are decoded one by one, as torchvision's data sets do it (PIL, then a tensor); a sigmoid
and the binary cross-entropy; Adam with torch's own defaults; `.item()` at each step; a test pass after each epoch.
"""

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from benchmarks.training.contest import Task, say
from vae.config import Config
from vae.data import Images


class Decoded(Dataset[tuple[Tensor, int]]):
    """Images as torchvision's MNIST with ToTensor gives them, step by step.

    uint8 and labels in memory as tensors; a row of each, a PIL image of the row, an array of that, a tensor with the
    channels first, float32, over 255.
    """

    def __init__(self, images: Images) -> None:
        pixels = images.pixels[:, :, :, 0] if images.pixels.shape[3] == 1 else images.pixels
        self.data = torch.from_numpy(pixels.copy())
        self.targets = torch.zeros(len(images)) if images.labels is None else torch.from_numpy(images.labels.copy())

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        pixels, target = self.data[index], int(self.targets[index])
        return to_tensor(Image.fromarray(pixels.numpy())), target


def to_tensor(picture: Image.Image) -> Tensor:
    """(C, H, W) float32 in [0, 1]."""
    x = torch.from_numpy(np.array(picture, np.uint8, copy=True))
    x = x.view(picture.size[1], picture.size[0], len(picture.getbands()))
    x = x.permute((2, 0, 1)).contiguous()
    return x.to(dtype=torch.get_default_dtype()).div(255)


class Minimal(nn.Module):
    """The same network as ours, out of torch's layers."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        sizes = config.encoder_sizes
        if config.network == "mlp":
            (hidden,) = sizes
            self.encoder = nn.Sequential(nn.Flatten(), nn.Linear(config.pixels, hidden), nn.ReLU())
            self.decoder = nn.Sequential(
                nn.Linear(config.latent_dim, hidden), nn.ReLU(), nn.Linear(hidden, config.pixels), nn.Sigmoid()
            )
        else:
            channels, side = (config.shape[0], *sizes), config.shape[1] // 2 ** len(sizes)
            down: list[nn.Module] = []
            for into, out in pairwise(channels):
                down += [nn.Conv2d(into, out, 4, stride=2, padding=1), nn.ReLU()]
            hidden = sizes[-1] * side * side
            up: list[nn.Module] = [nn.Linear(config.latent_dim, hidden), nn.Unflatten(1, (sizes[-1], side, side))]
            odd = [config.shape[1] // 2**stage % 2 for stage in reversed(range(len(sizes)))]
            for (into, out), extra in zip(pairwise(channels[::-1]), odd, strict=True):
                up += [nn.ReLU(), nn.ConvTranspose2d(into, out, 4, stride=2, padding=1, output_padding=extra)]
            self.encoder = nn.Sequential(*down, nn.Flatten())
            self.decoder = nn.Sequential(*up, nn.Sigmoid())
        self.mu, self.logvar = (nn.Linear(hidden, config.latent_dim) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)
        return self.decoder(z).view_as(x), mu, logvar


def loss_function(x_mean: Tensor, x: Tensor, mu: Tensor, logvar: Tensor) -> Tensor:
    """Both terms summed over everything."""
    cross_entropy = F.binary_cross_entropy(x_mean, x, reduction="sum")
    return cross_entropy - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())


def train_it(task: Task) -> None:
    """Train, and say the test loss after each epoch."""
    torch.manual_seed(task.seed)
    train, test = task.images()
    on_gpu = task.device != "cpu"
    more: dict[str, Any] = {"num_workers": 1, "pin_memory": True} if on_gpu else {}
    train_loader = DataLoader(Decoded(train), batch_size=task.batch_size, shuffle=True, **more)
    test_loader = DataLoader(Decoded(test), batch_size=task.batch_size, shuffle=False, **more)
    model = Minimal(task.config(train.shape)).to(task.device)
    optimizer = torch.optim.Adam(model.parameters(), lr=task.rate)
    for epoch in range(1, task.epochs + 1):
        model.train()
        train_loss = 0.0
        for x, _ in train_loader:
            x = x.to(task.device)
            optimizer.zero_grad()
            x_mean, mu, logvar = model(x)
            loss = loss_function(x_mean, x, mu, logvar)
            loss.backward()
            train_loss += loss.item()
            optimizer.step()
        model.eval()
        test_loss = 0.0
        with torch.no_grad():
            for x, _ in test_loader:
                x = x.to(task.device)
                x_mean, mu, logvar = model(x)
                test_loss += loss_function(x_mean, x, mu, logvar).item()
        say(epoch, test_loss / len(test))


if __name__ == "__main__":
    train_it(Task.read())
