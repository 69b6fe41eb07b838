"""What is made of a model's encodings once, for all who ask about it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from live import points
from live.engine import Engine, ModelEntry
from vae.encodings import SPLITS, Encodings
from vae.explore import projection
from vae.explore.codes import Floats, Rows
from vae.explore.neighbours import nearest
from vae.explore.views import dims_of

if TYPE_CHECKING:
    from vae.explore.anywhere import Ground
    from vae.explore.density import Density

NEAR = 6  # images named as nearest to a code
AROUND = 256  # candidates for the nearest
PARTS = 16  # kept of each: a model of many dimensions has thousands of views


class Known:
    """A model's encodings, and what is made of them once for all visitors, each part when it is first asked for."""

    def __init__(self, engine: Engine, entry: ModelEntry) -> None:
        self._engine = engine
        self.entry = entry
        self.encoded = engine.encoded(entry)
        self.encodings = engine.encodings(entry)
        self._lock = RLock()
        self._parts: OrderedDict[str, Any] = OrderedDict()

    def density(self) -> "Density":
        """Where this model's images live."""
        from vae.explore.density import fit_density

        known = self.encodings
        return self._made("density", lambda: fit_density(known.mu, known.split, generator=np.random.default_rng(0)))

    def ground(self, view: str) -> "Ground":
        """A view of the map, ready to be asked what code lies where. VAEError: there is no such view."""

        def make() -> "Ground":
            made = points.ground(self._engine, self.entry, view)
            made.tree  # noqa: B018 - now, not at the first point
            return made

        return self._made(f"ground {view}", make)

    def has(self, parts: Iterable[str]) -> bool:
        """Whether these parts are made already. Never waits."""
        return all(part == "encodings" or part in self._parts for part in parts)

    def make(self, parts: Iterable[str]) -> None:
        """Make them: "encodings", "density", "ground umap". It may take a second."""
        for part in parts:
            what, _, view = part.partition(" ")
            if what == "density":
                self.density()
            elif what == "ground":
                self.ground(view)

    def _made(self, part: str, make: Callable[[], Any]) -> Any:
        if (found := self._parts.get(part)) is not None:
            return found  # without the lock: who has what is needed does not wait for what another one needs
        with self._lock:
            if part not in self._parts:
                self._parts[part] = make()
                while len(self._parts) > PARTS:
                    self._parts.popitem(last=False)
            return self._parts[part]

    @cached_property
    def _lengths(self) -> np.ndarray:
        return cast(np.ndarray, (self.encodings.mu**2).sum(axis=1))  # (N,)

    def near(self, code: Floats) -> list[tuple[str, float, str]]:
        """The images whose mu lie nearest to a code: (image_id, distance in prior standard deviations, caption)."""
        candidates = self._around(code)
        found = nearest(self.encodings.mu[candidates], code, NEAR)
        rows = candidates[found.rows].tolist()
        return [
            (self.encodings.image_id(row), round(float(distance), 4), caption(self.encodings, row))
            for row, distance in zip(rows, found.distances, strict=True)
        ]

    def place(self, code: Floats, view: str) -> list[float] | None:
        """Where a code lies on a view, [x, y]; None without one."""
        if not view:
            return None
        xy = points.xy(self._engine, self.entry, view)
        if view not in self.encodings.maps and view != "pca":
            return [float(code[dim]) for dim in dims_of(view, len(code))]
        around = self._around(code)
        (placed,) = projection.place(code[None], self.encodings.mu[around], xy[around])
        return [float(placed[0]), float(placed[1])]

    def _around(self, code: Floats) -> Rows:
        """Some rows, in order, among which are those nearest to a code.

        In float32 the last digits are lost, so these are more than anybody asks for: exact distances decide among them.
        """
        mu = self.encodings.mu
        count = min(len(mu), AROUND)
        rough = self._lengths - 2 * (mu @ code)  # short of |z|^2, which changes no order
        return np.sort(np.argpartition(rough, count - 1)[:count])


def caption(encodings: Encodings, row: int, file: str = "") -> str:
    """A few words for one image: "test image 17: 3", or "cell0042.tif: control" where it has a name of its own."""
    kind = "test" if encodings.split[row] == SPLITS.index("test") else "training"
    name = file or f"{kind} image {int(encodings.index[row]):,}"
    return name if encodings.labels is None else f"{name}: {encodings.label_names[encodings.labels[row]]}"
