"""What each request is answered with: the codes to decode, and what is said beside the pictures."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

from live.engine import Engine, ModelEntry, as_pictures
from live.known import Known
from live.samples import Samples
from live.wire import Ask, Decode, Drawing, Face, Measure, Picture, Point, Reply, Request, RowsOf, Sample
from vae.data.faces import FACTORS, FaceFactors, draw
from vae.errors import VAEError
from vae.explore.codes import Floats, many_codes
from vae.explore.render import Pixels

PICTURES, BYTES = 128, 4 << 20  # of one reply at most
MODELS_KNOWN = 8  # models of whose images something is known: 30 MB for 70,000 of them
LOOK = 5.0  # seconds until a model's folder is looked for again
_NO_PICTURES = np.zeros((0, 0, 0, 0), np.uint8)


class Answers:
    """Turns requests into jobs for the queue.

    Args:
        engine: owns the models; it is only asked in the queue's thread or another that may wait.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._lock = Lock()
        self._entries: dict[str, ModelEntry] = {}
        self._looked = -LOOK
        self._known: OrderedDict[str, Known] = OrderedDict()
        self.samples = Samples(engine)

    def job(self, request: Request) -> "Answer":
        return Answer(self, request)

    def entry(self, model_id: str) -> ModelEntry:
        """The model of that id. VAEError: it is not there."""
        with self._lock:
            if model_id not in self._entries or monotonic() - self._looked > LOOK:
                self._entries = {entry.model_id: entry for entry in self.engine.models()}
                self._looked = monotonic()
            if model_id not in self._entries:
                raise VAEError("That model is no longer there: choose another in the list.")
            return self._entries[model_id]

    def known(self, model_id: str) -> Known:
        """What is known of a model's images. VAEError: the model is not there, or has no encodings."""
        entry = self.entry(model_id)
        held = self._known.get(model_id)
        if held is None or held.encoded != self.engine.encoded(entry):
            held = Known(self.engine, entry)
        with self._lock:
            self._known[model_id] = held
            self._known.move_to_end(model_id)
            while len(self._known) > MODELS_KNOWN:
                self._known.popitem(last=False)
        return held

    def ready(self, request: Request) -> bool:
        """Whether everything this request needs has been made already. Never waits."""
        if not self.engine.is_open(request.model_id):
            return False
        if isinstance(request.ask, Sample) and not self.samples.ready(request.model_id, request.ask):
            return False
        parts = _parts(request)
        known = self._known.get(request.model_id)
        return not parts or (known is not None and known.has(parts))

    def slow(self, request: Request) -> Iterator[tuple[Hashable, Callable[[], object]]]:
        """What must be made before the request is answered, in this order, though it may take seconds.

        The queue has no time for it. Each piece has a name: what is made under one name serves all who need it.
        """
        model_id, ask = request.model_id, request.ask
        yield ("open", model_id), lambda: self.engine.open(self.entry(model_id))
        if isinstance(ask, Sample) and ask.count <= PICTURES:
            yield (model_id, ask), lambda: self.samples.codes(self.entry(model_id), ask)
        if parts := _parts(request):
            yield (model_id, *parts), lambda: self.known(model_id).make(parts)

    def get_ready(self, request: Request) -> None:
        """Make all of it here and now."""
        for _, make in self.slow(request):
            make()


@dataclass(frozen=True, eq=False)
class Plan:
    """How to answer: pictures that are there already, codes (n, L) whose pictures follow them, and notes."""

    codes: Floats
    before: Pixels = field(default_factory=lambda: _NO_PICTURES)
    notes: dict[str, Any] = field(default_factory=dict)
    about: Floats | None = None  # the code to be judged; the first of `codes` where None


class Answer:
    """One request as a job of the queue."""

    def __init__(self, answers: Answers, request: Request) -> None:
        self._answers = answers
        self._request = request
        self._plan: Plan | None = None
        self.size = _size(request.ask)

    def prepare(self) -> tuple[ModelEntry, Floats]:
        request, answers = self._request, self._answers
        entry = answers.entry(request.model_id)
        if self.size > PICTURES or self.size * picture_bytes(entry.shape) > BYTES:
            raise VAEError(f"{self.size} pictures are too many for one reply: ask for fewer.")
        plan = self._plan = _PLANS[type(request.ask)](answers, entry, request.ask)
        if plan.codes.shape[1] != entry.latent_dim:
            raise VAEError(
                f"A code of this model has {entry.latent_dim} numbers, this one {plan.codes.shape[1]}: reload the page."
            )
        if request.unusual or isinstance(request.ask, Measure):
            about = plan.codes[0] if plan.about is None else plan.about
            plan.notes["unusual"] = _unusual(answers.known(request.model_id), about)
        return entry, plan.codes

    def finish(self, pixels: Pixels) -> bytes:
        plan, request = self._plan, self._request
        assert plan is not None  # the queue prepares before it decodes
        if len(plan.before):
            pixels = np.concatenate([plan.before, pixels])
        return Reply(request.ask.kind, request.lane, request.number, pixels, plan.notes).write()


@lru_cache(maxsize=64)
def picture_bytes(shape: tuple[int, ...]) -> int:
    """Bytes of one decoded picture of a model of that shape."""
    return as_pictures(np.zeros((1, *shape), np.float32)).nbytes


def _unusual(known: Known, code: Floats) -> dict[str, Any]:
    from vae.explore.density import unusual

    (found,) = unusual(known.density(), code[None])
    return {"percentile": round(found.percentile, 1), "usual": found.usual, "words": found.sentence}


# ---- what each kind of request comes to ----------------------------------------------------------------------------


def _parts(request: Request) -> list[str]:
    """The parts of `Known` that it needs; none where it needs no encodings at all."""
    ask = request.ask
    parts = [] if isinstance(ask, Decode | Sample) else ["encodings"]
    if request.unusual or isinstance(ask, Measure):
        parts.append("density")
    return parts + [f"ground {ask.view}"] if isinstance(ask, Point) else parts


def _size(ask: Ask) -> int:
    """Pictures to decode."""
    if isinstance(ask, Decode):
        return len(ask.codes)
    if isinstance(ask, Sample):
        return ask.count
    if isinstance(ask, RowsOf):
        return len(ask.rows)
    return 0 if isinstance(ask, Measure) else 1


def _decode(answers: Answers, entry: ModelEntry, ask: Decode) -> Plan:
    return Plan(many_codes(ask.codes))


def _point(answers: Answers, entry: ModelEntry, ask: Point) -> Plan:
    from vae.explore.anywhere import code_at

    known = answers.known(entry.model_id)
    at = code_at(known.ground(ask.view), many_codes([[ask.x, ask.y]], "the point"))
    return Plan(at.codes, notes={"code": at.codes[0].tolist(), "reach": float(at.reach[0])})


def _measure(answers: Answers, entry: ModelEntry, ask: Measure) -> Plan:
    code = many_codes(ask.code[None])
    if code.shape[1] != entry.latent_dim:
        return Plan(code)  # refused for its length
    near = answers.known(entry.model_id).near(code[0])
    return Plan(np.zeros((0, entry.latent_dim), np.float32), notes={"near": near}, about=code[0])


def _drawing(answers: Answers, entry: ModelEntry, ask: Drawing) -> Plan:
    from vae.explore.drawing import centred

    shape = entry.shape
    if len(shape) != 3 or shape[0] != 1 or shape[1] != shape[2]:
        raise VAEError(f"{entry.title} does not read drawings in ink: choose a model of grey square images.")
    return _seen(answers, entry, centred(ask.ink, shape[1])[None, :, :, None], ask.view)


def _sample(answers: Answers, entry: ModelEntry, ask: Sample) -> Plan:
    return Plan(answers.samples.codes(entry, ask))


def _rows(answers: Answers, entry: ModelEntry, ask: RowsOf) -> Plan:
    mu = answers.known(entry.model_id).encodings.mu
    if ask.rows.max() >= len(mu):
        raise VAEError(f"This model knows {len(mu):,} images: row {ask.rows.max():,} is not among them.")
    return Plan(mu[ask.rows])


def _face(answers: Answers, entry: ModelEntry, ask: Face) -> Plan:
    if entry.data not in ("faces", "faces-fair") or entry.shape != (3, 64, 64):
        raise VAEError(f"{entry.title} was not trained on the drawn faces: choose a model that was.")
    values = dict(zip(FACTORS, many_codes(ask.factors[None], "the face")[0].tolist(), strict=True))
    if any(not (-1 if FACTORS[name] == "signed" else 0) <= value <= 1 for name, value in values.items()):
        raise VAEError("There is no such face: its factors run from 0 to 1, those that have two sides from -1.")
    whole = {name: round(value) for name, value in values.items() if FACTORS[name] == "binary"}
    return _seen(answers, entry, draw(FaceFactors(**values | whole))[None], ask.view)


def _picture(answers: Answers, entry: ModelEntry, ask: Picture) -> Plan:
    height, width, channels = ask.pixels.shape
    if channels not in (1, 3) or entry.shape != (channels, height, width):
        raise VAEError(f"{entry.title} does not read pictures of {width} x {height}: reload the page.")
    return _seen(answers, entry, ask.pixels[None], ask.view)


def _seen(answers: Answers, entry: ModelEntry, pixels: Pixels, view: str) -> Plan:
    """A picture (1, H, W, C) that the model is shown, and what it draws of it."""
    known, mu = answers.known(entry.model_id), answers.engine.encode(entry, pixels)
    notes = {"code": mu[0].tolist(), "xy": known.place(mu[0], view), "near": known.near(mu[0])}
    return Plan(mu, before=pixels, notes=notes)


_PLANS: dict[type, Callable[[Answers, ModelEntry, Any], Plan]] = {
    Decode: _decode,
    Point: _point,
    Measure: _measure,
    Drawing: _drawing,
    Sample: _sample,
    RowsOf: _rows,
    Face: _face,
    Picture: _picture,
}
