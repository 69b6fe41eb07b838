"""What ships, as tables in README.md and checkpoints/README.md, from the models' own cards.

`python -m tools.checkpoint_table` writes what stands between the marks in both files again. A figure copied by hand is
wrong the day the model changes; a test holds the files to the cards.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from live.engine import FIRST
from vae.checkpoint import read_card
from vae.config import Config

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python -m tools.checkpoint_table"
BEGIN = f"<!-- from the cards: {COMMAND} -->"
END = "<!-- end of what is from the cards -->"

Model = tuple[Path, Config, dict[str, Any], str]  # folder, config, card, model_id


def models(place: Path) -> list[Model]:
    """Every model in a folder, in the picker's order."""
    folders = sorted((path.parent for path in place.glob("*/config.json")), key=lambda f: (_rank(f.name), f.name))
    return [(folder, *read_card(folder)) for folder in folders]


def short_table(place: Path) -> str:
    """For people choosing: what each model is, and how good."""
    head = "| model | pictures | latents | likelihood; binarisation | beta | ELBO | error per pixel | 5-NN | map |"
    lines = [head, "|---|---|---:|---|---:|---:|---:|---:|---:|"]
    for folder, config, card, _ in models(place):
        figures = card["figures"]
        cells = [
            f"`{folder.name}`",
            card["data"]["title"],
            str(config.latent_dim),
            _assumed(card),
            _shown(card["effective_beta"], "plain"),
            _shown(figures["elbo"], "nats"),
            _shown(figures["recon_mse"], "small"),
            _shown(figures["knn_accuracy"], "share"),
            _shown(figures["trustworthiness"], "index"),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def long_list(place: Path) -> str:
    """For people who want to make one again: every figure, the command, the credit."""
    return "\n\n".join(_one(*model) for model in models(place))


def _one(folder: Path, config: Config, card: dict[str, Any], model_id: str) -> str:
    figures, data = card["figures"], card["data"]
    kept = data["kept"]["train"] + data["kept"]["test"]
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    rows = [
        ("network", f"{config.network}, {config.latent_dim} latents, {config.activation}"),
        ("likelihood; binarisation", _assumed(card)),
        ("beta", _shown(card["effective_beta"], "plain")),
        ("reconstruction, z drawn from q", f"{_shown(figures['recon_nll'], 'nats')} nats per image"),
        ("KL", f"{_shown(figures['kl'], 'nats')} nats per image"),
        ("ELBO", f"{_shown(figures['elbo'], 'nats')} nats per image"),
        ("squared error per pixel, at mu", _shown(figures["recon_mse"], "small")),
        ("active units", f"{figures['active_units']} of {figures['latent_dim']}"),
        ("5-NN accuracy", _shown(figures["knn_accuracy"], "share")),
        ("trustworthiness of the UMAP map", _shown(figures["trustworthiness"], "index")),
        ("measured on", f"{figures['images']:,} test images"),
        ("trained", f"{card['epochs']:g} epochs, {card['seconds'] / 60:.0f} min on {card['device']}"),
        ("codes kept", f"{kept:,} of {data['train'] + data['test']:,}"),
        ("folder", f"{size / 1e6:.1f} MB; model_id `{model_id}`"),
        ("data", data["credit"]),
    ]
    lines = [f"## {folder.name}", "", f"{card['title']}. {card['sentence']}", "", "```sh", card["command"], "```", ""]
    lines += ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines)


def _assumed(card: dict[str, Any]) -> str:
    return f"{card['likelihood']}; {card['binarisation']}"


def _shown(value: float | None, kind: str) -> str:
    forms: dict[str, Callable[[float], str]] = {
        "nats": lambda number: f"{number:,.2f}" if abs(number) < 10_000 else f"{number:,.0f}",
        "small": lambda number: f"{number:.2g}",
        "share": lambda number: f"{100 * number:.1f} %",
        "plain": lambda number: f"{number:g}",
        "index": lambda number: f"{number:.3f}",
    }
    return "-" if value is None else forms[kind](value).replace("-", "−")


def _rank(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)


def put(page: str, text: str) -> str:
    """A page with `text` between its marks.

    Raises:
        ValueError: the page has not exactly one pair of marks.
    """
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise ValueError(f"write one line {BEGIN} and, below it, one line {END} into the page")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}"


PAGES: dict[str, Callable[[Path], str]] = {"README.md": short_table, "checkpoints/README.md": long_list}


def main() -> int:
    for name, make in PAGES.items():
        path = ROOT / name
        path.write_text(put(path.read_text(encoding="utf-8"), make(ROOT / "checkpoints")), encoding="utf-8")
        print(f"{name}: {len(models(ROOT / 'checkpoints'))} models", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
