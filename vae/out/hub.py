"""A model given to the Hugging Face Hub: its folder, with its card as the page that people read there."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vae.checkpoint import CARD, read_card
from vae.config import Config
from vae.errors import VAEError
from vae.out.parcel import model_files

PAGE = "README.md"


def push(
    folder: Path, repo: str, *, private: bool = True, token: str | None = None, endpoint: str | None = None
) -> str:
    """Put a model's folder into a repository of the Hub, made where there is none; the address of what was written.

    Args:
        folder: the model's.
        repo: "name" or "organisation/name".
        private: of a repository that is made now.
        token: None: the one that `hf auth login` left on this machine.
        endpoint: another Hub than huggingface.co.

    Raises:
        VAEError: `huggingface_hub` is not installed, no such model, or the Hub refuses or cannot be reached.
    """
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, HTTPError, LocalTokenNotFoundError
    except ImportError as error:
        raise VAEError(
            "The Hub needs the package huggingface_hub: install it with `pip install huggingface_hub`."
        ) from error
    files = model_files(folder)
    config, card, model_id = read_card(folder)
    card = without_paths(card)
    files[CARD] = (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode()
    files[PAGE] = page(config, card, model_id, Path(folder).name).encode()
    hub = HfApi(endpoint=endpoint, token=token)
    try:
        made = hub.create_repo(repo, private=private, exist_ok=True, repo_type="model")
        parts = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=data) for name, data in files.items()]
        hub.create_commit(made.repo_id, parts, commit_message=f"Muscope model {model_id}", repo_type="model")
    except HFValidationError as error:
        raise VAEError(f"{repo[:80]!r} is no name for a repository: give organisation/name.") from error
    except LocalTokenNotFoundError as error:
        raise VAEError("The Hub does not know you: run `hf auth login` once, then push again.") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise VAEError(_refused(status, repo)) from error
    except (OSError, HTTPError) as error:  # no network, no such host
        raise VAEError(f"The Hub could not be reached ({type(error).__name__}): try again later.") from error
    return str(made)


def _refused(status: int, repo: str) -> str:
    if status in (401, 403):
        return f"The Hub does not let you write to {repo[:80]}: run `hf auth login` with a token that may."
    return f"The Hub answered with status {status}, so nothing was pushed: try again later."


def without_paths(card: Mapping[str, Any]) -> dict[str, Any]:
    """The card without the places of somebody's own files: a folder's name stays, the way to it goes."""
    data = card.get("data")
    data = data if isinstance(data, dict) else {}
    name = data.get("name")
    kind, colon, path = name.partition(":") if isinstance(name, str) else ("", "", "")
    if kind not in ("folder", "table") or not colon:
        return dict(card)
    return {key: value for key, value in card.items() if key != "command"} | {
        "data": {**data, "name": f"{kind}:{Path(path).name}"}
    }


def page(config: Config, card: Mapping[str, Any], model_id: str, name: str) -> str:
    """The card as the Hub's page: what the model is, its figures, how to open it. Nothing in a card becomes markup.

    Args:
        name: of the folder, where the card has no title.
    """
    data = card.get("data")
    data = data if isinstance(data, dict) else {}
    licence = card.get("licence")
    head = {"library_name": "muscope", "tags": ["vae", "muscope", config.network]}
    size = " x ".join(str(side) for side in config.shape)
    lines = ["---", *(f"{key}: {json.dumps(value)}" for key, value in head.items()), "---", ""]
    lines += [
        f"# {_words(card.get('title') or name)}",
        "",
        _words(card.get("sentence") or "A variational autoencoder."),
        "",
    ]
    lines += [f"A {config.network} network for images of {size}, codes of {config.latent_dim} numbers."]
    if data.get("name"):
        lines += [f"Trained on {_words(data['name'])}, {_words(data.get('train', '?'))} images."]
    if isinstance(licence, str) and licence:
        lines += [f"Licence: {_words(licence)}."]
    figures = card.get("figures")
    known = [(key, value) for key, value in figures.items() if _is_figure(value)] if isinstance(figures, dict) else []
    if known:
        said = card.get("likelihood"), card.get("binarisation")
        under = ", ".join(_words(each) for each in said if each)
        lines += [
            "",
            f"Measured on test images{f' ({under})' if under else ''}, in nats per image where nothing else is said:",
            "",
        ]
        lines += ["| figure | value |", "|---|---|", *(f"| {_words(key)} | {value:.5g} |" for key, value in known)]
    lines += ["", "Open it in Muscope, or in Python:", "", "```python"]
    lines += ["from vae.notebook import open_model", "", 'model = open_model("this/folder")']
    lines += [f'# model.model_id == "{model_id}"', "```", "", f"Everything that is known of it stands in `{CARD}`.", ""]
    return "\n".join(lines)


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _words(value: object) -> str:
    """Somebody's words in one line, with nothing in them that Markdown or HTML would take for a mark."""
    marks = {ord(mark): f"&#{ord(mark)};" for mark in "&<>[]()*_`|#!\\~:"}
    return " ".join(str(value).split())[:500].translate(marks)
