"""MNIST and the sets made in its likeness: four gzipped files of LeCun's idx format each.

A file is looked for in the folder named by MUSCOPE_DATA, then among the downloads. Whichever is found, its unpacked
bytes are compared with checksums written here, because the same data are about in several packings.
"""

import hashlib
import os
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from vae.data.download import Progress, RemoteFile, cache_folder, fetch_files
from vae.data.images import DataInfo, Images, read_only
from vae.errors import VAEError

MAX_UNPACKED = 64 << 20  # bytes; the largest file here unpacks to 47 MB, a bomb to more
_STEMS = {"train": "train", "test": "t10k"}
_SIDE = 28


@dataclass(frozen=True)
class IdxSet:
    """A data set of four idx files: what it is, where it is kept, and how to know it is right.

    Attributes:
        files: what is downloaded, with size and sha256 of the .gz as published.
        unpacked: file name -> sha256 of its unpacked bytes; {} where these were never seen, then only the .gz as
            published will do.
    """

    info: DataInfo
    files: tuple[RemoteFile, ...]
    unpacked: dict[str, str]


def _files(mirrors: tuple[str, ...], sizes: tuple[int, ...], sha256: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    return tuple(
        RemoteFile(name, tuple(mirror + name for mirror in mirrors), size, digest)
        for name, size, digest in zip(FILE_NAMES, sizes, sha256, strict=True)
    )


FILE_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)

MNIST = IdxSet(
    info=DataInfo(
        name="mnist",
        title="MNIST digits",
        sentence="70,000 handwritten digits, 28 by 28 pixels: the set everybody knows.",
        shape=(1, _SIDE, _SIDE),
        classes=tuple("0123456789"),
        train_size=60_000,
        test_size=10_000,
        credit="MNIST, Yann LeCun, Corinna Cortes and Christopher Burges (commonly given as CC BY-SA 3.0)",
        built_in=False,
    ),
    files=_files(
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        (9_912_422, 28_881, 1_648_877, 4_542),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    unpacked={
        "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)

FASHION_MNIST = IdxSet(
    info=DataInfo(
        name="fashion-mnist",
        title="Fashion-MNIST clothes",
        sentence="70,000 photographs of shirts, shoes and bags, 28 by 28 pixels.",
        shape=(1, _SIDE, _SIDE),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        train_size=60_000,
        test_size=10_000,
        credit="Fashion-MNIST, Zalando SE, 2017 (MIT licence)",
        built_in=False,
    ),
    files=_files(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        ),
        (26_421_880, 29_515, 4_422_102, 5_148),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
    unpacked={
        "train-images-idx3-ubyte.gz": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte.gz": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte.gz": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte.gz": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
)

KMNIST = IdxSet(
    info=DataInfo(
        name="kmnist",
        title="Kuzushiji-MNIST characters",
        sentence="70,000 old Japanese cursive characters, ten of them, 28 by 28 pixels.",
        shape=(1, _SIDE, _SIDE),
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        train_size=60_000,
        test_size=10_000,
        credit="KMNIST, created by ROIS-DS CODH from the Kuzushiji Dataset of NIJL and others (CC BY-SA 4.0)",
        built_in=False,
    ),
    files=_files(
        ("https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"),
        (18_165_135, 29_497, 3_041_136, 5_120),
        (
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
    ),
    unpacked={},
)

SETS = {one.info.name: one for one in (MNIST, FASHION_MNIST, KMNIST)}


def parse(raw: bytes, what: str) -> np.ndarray:
    """The array in the bytes of an idx file of unsigned bytes (LeCun's format: magic number, sizes, data).

    Args:
        raw: the whole unpacked file.
        what: its name, for the error.

    Returns:
        (sizes...) uint8, read-only, on top of `raw`.

    Raises:
        VAEError: not an idx file of bytes, or shorter or longer than its header says.
    """
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08" or not 1 <= raw[3] <= 4 or len(raw) < 4 + 4 * raw[3]:
        raise VAEError(f"{what} is not an idx file of bytes: put the official file there, or remove it.")
    start = 4 + 4 * raw[3]
    sizes = tuple(int(size) for size in np.frombuffer(raw, ">u4", raw[3], 4))
    wanted = start
    count = 1
    for size in sizes:
        count *= size
    wanted += count
    if len(raw) != wanted:
        raise VAEError(f"{what} holds {len(raw):,} bytes and its header promises {wanted:,}: fetch it again.")
    return np.frombuffer(raw, np.uint8, count, start).reshape(sizes)


def read(path: Path, *, packed: str = "", unpacked: str = "") -> np.ndarray:
    """The array in a gzipped idx file, its checksum compared first.

    Args:
        path: a .gz file.
        packed: sha256 of the .gz itself, unpacked: sha256 of its contents; "" where it is not to be compared.

    Raises:
        VAEError: missing, no gzip file, cut short, too large, or another checksum.
    """
    # Only the file's name is said: whole paths of the server are no business of its visitors.
    what, cure = path.name, "remove it, and it is fetched again; or put the official file in its place"
    try:
        compressed = path.read_bytes()
        if packed and hashlib.sha256(compressed).hexdigest() != packed:
            raise VAEError(f"{what} is not the published file (its checksum differs): {cure}.")
        unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)  # gzip, with a limit that gzip.decompress lacks
        raw = unpacker.decompress(compressed, MAX_UNPACKED)
    except OSError as error:
        raise VAEError(f"{what} cannot be read ({error.strerror}): check that the file is there and yours.") from None
    except zlib.error:
        raise VAEError(f"{what} is damaged (no good gzip file): {cure}.") from None
    if not unpacker.eof or unpacker.unused_data:
        raise VAEError(f"{what} is damaged (it ends too early or too late): {cure}.")
    if unpacked and hashlib.sha256(raw).hexdigest() != unpacked:
        raise VAEError(f"{what} holds other data than the published set (its checksum differs): {cure}.")
    return parse(raw, what)


def folder_of(name: str) -> Path | None:
    """The folder where all four files of a set lie: MUSCOPE_DATA first, then the downloads; None when neither."""
    roots = [cache_folder()]
    if given := os.environ.get("MUSCOPE_DATA"):
        roots.insert(0, Path(given))
    for root in roots:
        if all((root / name / file.name).is_file() for file in SETS[name].files):
            return root / name
    return None


def fetch(name: str, progress: Progress | None = None) -> None:
    """Download what is missing or damaged among the downloads of a set.

    Raises:
        VAEError: no network, a wrong checksum, a full disk.
    """
    fetch_files(SETS[name].files, cache_folder() / name, SETS[name].info.title, progress)


@lru_cache(maxsize=4)  # two sets, both splits: 110 MB
def _arrays(folder: Path, name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(N, 28, 28, 1) uint8 and (N,) int64 of one split, read-only, checked."""
    this = SETS[name]
    stem, count = _STEMS[split], this.info.train_size if split == "train" else this.info.test_size
    arrays = {}
    for file in this.files:
        if file.name.startswith(stem):
            unpacked = this.unpacked.get(file.name, "")
            array = read(folder / file.name, packed="" if unpacked else file.sha256, unpacked=unpacked)
            wanted = (count, _SIDE, _SIDE) if "images" in file.name else (count,)
            if array.shape != wanted:
                raise VAEError(f"{file.name} holds an array of {array.shape}, not {wanted}: fetch {name} again.")
            arrays["pixels" if "images" in file.name else "labels"] = array
    return arrays["pixels"][..., None], read_only(arrays["labels"].astype(np.int64))


def load(name: str, split: str) -> Images:
    """One split of a set that is on this machine.

    Raises:
        VAEError: it is not, or a file is damaged.
    """
    folder = folder_of(name)
    info = SETS[name].info
    if folder is None:
        raise VAEError(f"{info.title} ({name}) are not on this machine: download them first, or choose a built-in set.")
    pixels, labels = _arrays(folder, name, split)
    return Images(name, split, pixels, labels, info.classes, credit=info.credit)
