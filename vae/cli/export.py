"""`python -m vae export`: a model, or what it says of its images, in a form for other programs."""

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae.cli import options
from vae.cli.progress import Reporter
from vae.errors import VAEError
from vae.out import EXPORTS, TABLES

if TYPE_CHECKING:
    import numpy as np
    import pyarrow

    from vae.encodings import Encodings

NAME = "export"
HELP = "Write a model as ONNX, torch.export or a zip, its codes as a table, or push it to the Hugging Face Hub."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The folder, what it shall become, and where to."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="the model's folder")
    parser.add_argument(
        "--to", choices=(*EXPORTS, "hub"), required=True,
        help="onnx, torch: encoder and decoder as files; folder: the model as a zip; csv, parquet, npz: its codes; "
        "hub: the Hugging Face Hub",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="PATH", help="the file to write, a zip of onnx, torch and folder")
    parser.add_argument("--repo", metavar="NAME", default="", help="of the Hub: organisation/name")
    parser.add_argument("--public", action="store_true", help="a repository that is made now can be seen by everybody")
    parser.add_argument("--endpoint", metavar="URL", help="another Hub than huggingface.co")
    parser.add_argument(
        "--without-columns", action="store_true", help="leave the columns out that came with data of one's own"
    )
    options.add_output(parser)


def run(arguments: argparse.Namespace) -> None:
    """Make it, write it, say where."""
    began = time.perf_counter()
    if arguments.to == "hub":
        result = _pushed(arguments)
        line = f"Pushed to {result['address']}."
    else:
        reporter = Reporter(arguments.progress)
        out = arguments.out or Path(EXPORTS[arguments.to].format(name=arguments.folder.resolve().name))
        _check_place(out)
        data, result = _made(arguments, reporter)
        from vae.files import write_aside

        write_aside(out, data)
        reporter.close()
        result |= {"out": str(out), "bytes": len(data)}
        line = f"{result.pop('said')} {out}, {len(data) / 1e6:.1f} MB."
    result["seconds"] = round(time.perf_counter() - began, 2)
    print(json.dumps(result) if arguments.json else line)


def _check_place(out: Path) -> None:
    if out.is_dir():
        raise VAEError(f"{out.name} is a folder: give the name of a file after --out.")
    if out.exists():
        raise VAEError(f"{out.name} is there already: give another name after --out, or delete it.")


def _pushed(arguments: argparse.Namespace) -> dict[str, Any]:
    from vae.out.hub import push

    if not arguments.repo:
        raise VAEError("Where to on the Hub? Add --repo organisation/name.")
    address = push(arguments.folder, arguments.repo, private=not arguments.public, endpoint=arguments.endpoint)
    return {"address": address}


def _made(arguments: argparse.Namespace, reporter: Reporter) -> tuple[bytes, dict[str, Any]]:
    """The file, and what to say of it."""
    from vae.out.parcel import as_zip, model_files

    name = arguments.folder.resolve().name
    if arguments.to in TABLES:
        table = codes_of(arguments.folder, not arguments.without_columns, reporter)
        from vae.out.tables import written

        reporter.stage("writing the table", kind="export")
        facts = {"rows": table.num_rows, "columns": table.num_columns}
        said = f"{table.num_rows:,} rows of {table.num_columns} columns:"
        return written(table, arguments.to), facts | {"said": said}
    if arguments.to == "folder":
        files = model_files(arguments.folder)
        return as_zip(files, name), {"files": [*files], "said": "The model, to be opened by another Muscope:"}
    from vae import checkpoint

    model = checkpoint.load(arguments.folder)
    reporter.stage("tracing the network", kind="export")
    if arguments.to == "onnx":
        from vae.out.onnx import onnx_files

        files, worst = onnx_files(model)
        said = f"Encoder and decoder as ONNX, at most {worst:.1e} from torch:"
        return as_zip(files | _about(files), name), {"files": [*files], "difference": worst, "said": said}
    from vae.out.program import program_files

    files = program_files(model)
    return as_zip(files | _about(files), name), {
        "files": [*files],
        "said": "Encoder and decoder for torch.export.load:",
    }


def _about(files: dict[str, bytes]) -> dict[str, bytes]:
    """A page that says how to run what lies beside it."""
    from vae.out.about import page

    return {"README.md": page([*files]).encode()}


def codes_of(folder: Path, columns: bool, reporter: Reporter) -> "pyarrow.Table":
    """The table of a model's codes (`vae.out.tables`). `columns`: with those that came with data of one's own."""
    from vae import checkpoint
    from vae.encodings import load_encodings
    from vae.out.tables import codes_table

    _, card, _ = checkpoint.read_card(folder)
    known = load_encodings(folder)
    said = card.get("data")
    name = said.get("name") if isinstance(said, dict) else None
    came = _came(name, known) if columns and isinstance(name, str) else None
    reporter.stage("looking for unusual codes", kind="export")
    return codes_table(known, came, _unusual(known))


def _came(name: str, known: "Encodings") -> "pyarrow.Table | None":
    """The columns that came with a set somebody brought, in the order of the encodings; None where there are none."""
    from vae.data import brought, source_of

    kind, _, set_id = source_of(name).partition(":")
    if kind != brought.KIND or not brought.on_machine(set_id):
        return None
    first = brought.get(set_id).train_size  # training rows come first
    return brought.rows(set_id).take(known.index.astype("int64") + (known.split == 1) * first)


def _unusual(known: "Encodings") -> "np.ndarray | None":
    """(N,) percentiles; None where there are too few images to say."""
    import numpy as np

    from vae.explore.density import fit_density, unusual

    try:
        density = fit_density(known.mu, known.split, generator=np.random.default_rng(0))
    except VAEError:
        return None
    return np.array([one.percentile for one in unusual(density, known.mu)], np.float32)
