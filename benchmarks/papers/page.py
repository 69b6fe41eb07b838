"""`papers.md`: every row, published beside ours."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from benchmarks.papers.published import ROWS, Row
from benchmarks.papers.sittings import kept

PAGE = Path(__file__).resolve().parents[1] / "papers.md"
HEAD = """# Published numbers, and ours

Written by `python -m benchmarks.papers table` from what each row's command kept. Nats per image, lower is better, \
unless a row says otherwise; NLL is estimated with k importance samples (Burda et al. 2015) on all 10,000 test images. \
Ours: mean ± standard deviation over seeds; of one seed, ± its standard error over test images. Seconds: of training \
and of measuring, each seed, on the machine named.

"""
COLUMNS = ("row", "what", "protocol", "published", "ours", "bar", "active units", "seeds", "seconds", "command")


def page(rows: Sequence[Row] = ROWS) -> str:
    """All of it, as Markdown."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---|---|---|---|---|---|---|---|---|---|"]
    lines += [f"| {' | '.join(cells(row, kept(row)))} |" for row in rows]
    notes = dict.fromkeys(row.note for row in rows if row.note)
    said = [f"- {', '.join(f'`{row.name}`' for row in rows if row.note == note)}: {note}" for note in notes]
    return HEAD + "\n".join(lines) + "\n" + ("\n" + "\n".join(said) + "\n" if said else "")


def cells(row: Row, seeds: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    """Of one row."""
    found = list(seeds.values())
    asked = f"`{row.elsewhere or f'python -m benchmarks.papers run {row.name}'}`"
    bar = "" if row.bar is None else f"at {'least' if row.higher else 'most'} {row.bar:g}"
    if not found:
        ours = "not run yet: needs a GPU" if row.gpu else "not run yet"
        return (f"`{row.name}`", row.title, row.protocol, row.published, ours, bar, "", "", "", asked)
    figures = [each["figure"] for each in found]
    if bar:
        bar += f": {'met' if met(row, figures) else 'missed'}"
    active = sorted({f"{each['active_units']} of {each['latent_dim']}" for each in found if "active_units" in each})
    train, measure = (mean(each[name] for each in found) for name in ("train_seconds", "measure_seconds"))
    where = ", ".join(sorted({each["device"] for each in found}))
    seconds = f"{train:,.0f} + {measure:,.0f}, {where}" if measure else f"{train:,.0f}, {where}"
    return (
        f"`{row.name}`",
        row.title,
        row.protocol,
        row.published,
        f"**{ours_of(row, found)}**",
        bar,
        ", ".join(active),
        ", ".join(seeds),
        seconds,
        asked,
    )


def ours_of(row: Row, found: list[dict[str, Any]]) -> str:
    """The figure, with what is known of it."""
    figures = [each["figure"] for each in found]
    form = ".3f" if row.higher else ".2f"
    if len(figures) > 1:
        return f"{mean(figures):{form}} ± {stdev(figures):{form}}"
    error = found[0].get("nll_error")
    return f"{figures[0]:{form}}" + (f" ± {error:.2f}" if error is not None else "")


def met(row: Row, figures: Sequence[float]) -> bool:
    """Whether the mean over seeds reaches the bar, as it is printed."""
    if row.bar is None:
        return True
    ours = round(mean(figures), 3 if row.higher else 2)
    return ours >= row.bar if row.higher else ours <= row.bar
