"""Files from the network: checked against known checksums, tried again, and put in place only when whole."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vae.errors import VAEError

Progress = Callable[[int, int], None]  # (bytes done, bytes in all)

RETRIES = 2  # after the first try, for each mirror; the waits between are one and two seconds
TIMEOUT = 20.0  # seconds without a single byte before a connection counts as dead
CHUNK = 1 << 16  # bytes between two reports of progress
SPARE = 16 << 20  # bytes that a download leaves free on the disk


@dataclass(frozen=True)
class RemoteFile:
    """A file somewhere else, and how to know it when it comes.

    Attributes:
        name: what it is called here. urls: mirrors, the best first. size: in bytes. sha256: of the file as it is sent.
    """

    name: str
    urls: tuple[str, ...]
    size: int
    sha256: str


def cache_folder() -> Path:
    """Where downloads and drawn images are kept: MUSCOPE_CACHE, else the system's place for caches."""
    if given := os.environ.get("MUSCOPE_CACHE"):
        return Path(given)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("muscope"))


class _Meter:
    """What pooch reports to, chunk by chunk: turns one file's bytes into the bytes of the whole set."""

    def __init__(self, before: int, file: RemoteFile, total: int, progress: Progress | None) -> None:
        self.before, self.file, self.all, self.progress = before, file, total, progress
        self.done = self.shown = 0
        self.total = 0  # pooch writes what the server says; the known size is believed instead

    def update(self, count: int) -> None:
        self.done += count
        # One chunk of grace: pooch counts whole chunks. A server that never stops would fill the disk.
        if self.done > self.file.size + CHUNK:
            raise ValueError("longer than the published file")
        self.shown = max(self.shown, min(self.done, self.file.size))  # pooch resets before its last word
        if self.progress is not None:
            self.progress(self.before + self.shown, self.all)

    def reset(self) -> None:
        self.done = 0

    def close(self) -> None:
        pass


def fetch_files(files: tuple[RemoteFile, ...], folder: Path, title: str, progress: Progress | None = None) -> None:
    """Bring the files that are missing or damaged in `folder`; leave the good ones alone.

    Args:
        files: what to bring. folder: where to; made when missing. title: what people call it, for errors.
        progress: called with bytes done and bytes in all, good files counted as done.

    Raises:
        VAEError: no network, a server's refusal, a wrong checksum, a full or closed disk. Nothing half-done is left.
    """
    total = sum(file.size for file in files)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [file for file in files if not _is_good(folder / file.name, file)]
        need = sum(file.size for file in missing)
        free = shutil.disk_usage(folder).free
        if need and free < need + SPARE:
            raise VAEError(
                f"The disk is too full for {title}: it needs {_mb(need + SPARE)} and {_mb(free)} are free; "
                "make room, or set MUSCOPE_CACHE to a folder on another disk."
            )
        done = total - need
        for file in missing:
            _fetch_one(file, folder, title, partial(_Meter, done, file, total, progress))
            done += file.size
    except OSError as error:
        raise VAEError(_disk_trouble(error, title)) from None
    if progress is not None:
        progress(total, total)


def _is_good(path: Path, file: RemoteFile) -> bool:
    """True when the file is here and right."""
    import pooch

    return path.is_file() and path.stat().st_size == file.size and pooch.file_hash(str(path)) == file.sha256


def _fetch_one(file: RemoteFile, folder: Path, title: str, meter: Callable[[], _Meter]) -> None:
    """Try the mirrors in turn, each a few times, and say why if none did."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")  # its notes would break into the progress bar
    why = ""
    for url in file.urls:
        parts = pooch.create(
            path=folder,
            base_url=url.removesuffix(file.name),
            registry={file.name: f"sha256:{file.sha256}"},
            retry_if_failed=RETRIES,
        )

        def download(url: str, output_file: Any, pooch_: Any) -> None:
            # A fresh meter for each try, so that progress starts this file again and never runs past its end.
            # "identity": a server that unpacks .gz on the way would change the checksum.
            once = pooch.HTTPDownloader(
                progressbar=meter(), chunk_size=CHUNK, timeout=TIMEOUT, headers={"Accept-Encoding": "identity"}
            )
            once(url, output_file, pooch_)

        try:
            parts.fetch(file.name, downloader=download)
            return
        except requests.exceptions.HTTPError as error:
            why = f"the server answered {error.response.status_code}" if error.response is not None else "no answer"
        except requests.exceptions.Timeout:
            why = "the server took too long"
        except requests.exceptions.ChunkedEncodingError:
            why = "the connection broke off"
        except requests.exceptions.ConnectionError:
            why = "the server cannot be reached"
        except requests.exceptions.RequestException as error:
            why = type(error).__name__
        except ValueError:  # pooch's word for a wrong checksum
            why = "what arrived is not the published file (its checksum differs)"
    raise VAEError(
        f"{title} could not be downloaded: {why} ({file.name}, tried {len(file.urls) * (RETRIES + 1)} times); "
        "check the network and try again, or choose a data set that needs none."
    )


def _disk_trouble(error: OSError, title: str) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk filled up while {title} was arriving: make room, or set MUSCOPE_CACHE to another disk."
    reason = error.strerror or type(error).__name__
    return f"{title} cannot be kept ({reason}): let Muscope write to its cache folder, or set MUSCOPE_CACHE to another."


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
