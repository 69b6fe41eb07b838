"""Our loop on the task: the `Trainer` that every run of Muscope goes through, its test pass included."""

from benchmarks.training.contest import Task, say
from vae.model import VAE
from vae.train.loop import Trainer
from vae.train.news import Epoch
from vae.train.settings import Settings


def train_it(task: Task) -> None:
    """Train, and say the test loss after each epoch."""
    train, test = task.images()
    vae = VAE(task.config(train.shape), task.seed).to(task.device)
    settings = Settings(epochs=task.epochs, batch_size=task.batch_size, rate=task.rate, seed=task.seed)
    for event in Trainer(vae, train, test, settings).run():
        if isinstance(event, Epoch):
            say(event.epoch, event.recon_nll + event.kl)


if __name__ == "__main__":
    train_it(Task.read())
