"""How a cartoon face looks: its parts, from the back to the front, and the light over them.

All coordinates are pixels of the final 64 x 64 picture, x to the right and y down. A turn of the head carries each part
sideways by how near it is to the viewer: the eyes further than the skull, the nose further than the eyes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vae.data.faces_pen import SIZE, Colour, Pen, lit, mix, ramp
from vae.errors import VAEError

MOUTH_BOX = (43, 53, 16, 48)  # y0, y1, x0, x1: holds the mouth for every turn of the head

SKIN: tuple[Colour, ...] = ((252, 216, 190), (241, 190, 152), (217, 158, 116), (172, 114, 80), (118, 76, 56))
DARK_HAIR: tuple[Colour, ...] = ((38, 32, 44), (88, 54, 44))
FAIR_HAIR: tuple[Colour, ...] = ((176, 92, 48), (218, 152, 74), (244, 206, 134))
OUTFIT: tuple[Colour, ...] = ((66, 84, 148), (40, 140, 144), (238, 178, 70), (232, 100, 88))
BACKDROP: tuple[Colour, ...] = ((244, 190, 178), (208, 192, 232), (166, 206, 234), (172, 220, 198))
WHITE: Colour = (252, 250, 246)
INK: Colour = (44, 34, 44)
MOUTH: Colour = (112, 30, 44)
TONGUE: Colour = (232, 112, 112)

# How much of the light each material takes, 0 to 255.
ON_SKIN, ON_HAIR, ON_CLOTH, ON_EYE, ON_GLASS = 255, 215, 225, 110, 60


@dataclass(frozen=True, slots=True)
class FaceFactors:
    """Everything there is to know about a face; the kinds and ranges are in `vae.data.faces.FACTORS`, in this order."""

    smile: int = 0
    glasses: int = 0
    hat: int = 0
    long_hair: int = 0
    dark_hair: int = 0
    eyes: float = 0.7
    turn: float = 0.0
    light: float = 0.0
    skin: float = 0.3
    hair_shade: float = 0.5
    hair_length: float = 0.5
    smile_width: float = 0.5
    brim: int = 0
    outfit: float = 0.3
    backdrop: float = 0.6

    def __post_init__(self) -> None:
        if not (0 <= self.eyes <= 1 and -1 <= self.turn <= 1 and -1 <= self.light <= 1):
            raise VAEError("No such face: eyes go from 0 to 1, turn and light from -1 to 1.")


def draw_many(faces: Sequence[FaceFactors]) -> np.ndarray:
    """uint8 (N, 64, 64, 3), one picture for each face, in order."""
    pictures = np.empty((len(faces), SIZE, SIZE, 3), dtype=np.uint8)
    for row, face in enumerate(faces):
        pictures[row] = draw(face)
    return pictures


def draw(face: FaceFactors) -> np.ndarray:
    """uint8 (64, 64, 3): the picture of one face, the same to the byte for the same factors."""
    pen = Pen(ramp(BACKDROP, face.backdrop))
    look = _Look(face)
    _hair_behind(pen, look)
    _body(pen, look)
    _head(pen, look)
    _forehead_shadow(pen, look)
    _locks(pen, look)
    _fringe(pen, look)
    if face.glasses:
        _lenses(pen, look)
    _eyes(pen, look)
    _brows(pen, look)
    _nose(pen, look)
    _mouth(pen, look)
    if face.glasses:
        _frames(pen, look)
    if face.hat:
        (_brimmed_hat if face.brim else _beanie)(pen, look)
    return lit(pen.small(), look.head_x, face.light)


class _Look:
    """The colours and places that several parts of one face share."""

    def __init__(self, face: FaceFactors) -> None:
        self.face = face
        self.skin = ramp(SKIN, face.skin)
        self.skin_shadow = mix(self.skin, (150, 50, 60), 0.26)
        self.hair = ramp(DARK_HAIR if face.dark_hair else FAIR_HAIR, face.hair_shade)
        self.hair_shadow = mix(self.hair, (40, 16, 40), 0.3)
        self.hair_gloss = mix(self.hair, (255, 236, 214), 0.2)
        self.cloth = ramp(OUTFIT, face.outfit)
        self.cloth_shadow = mix(self.cloth, (40, 20, 70), 0.28)
        self.lip = mix(self.skin, (158, 34, 50), 0.6)
        self.lens = mix(self.skin, (236, 246, 255), 0.28)
        # The nearer a part is to the viewer, the further a turn of the head carries it.
        self.head_x = 32 + 1.2 * face.turn
        self.fringe_x = self.head_x + 2.6 * face.turn
        self.face_x = self.head_x + 3.9 * face.turn
        self.nose_x = self.head_x + 5.8 * face.turn

    def eye(self, side: int) -> tuple[float, float]:
        """x of an eye and its width as a share; the far one is seen from the side. side: -1 left, 1 right."""
        far = max(0.0, side * self.face.turn)
        return self.face_x + side * (7.4 - 1.0 * far), 1 - 0.16 * far


EYE_Y, MOUTH_Y, HEAD_Y = 35.5, 46.6, 35.0
HEAD_RX, HEAD_RY = 16.0, 18.0

_ANGLE = np.linspace(0, 2 * np.pi, 49)[:-1]
_COS, _SIN = np.cos(_ANGLE), np.sin(_ANGLE)
_BELOW = np.clip(_SIN, 0, None)
_JAW = _COS * (1 - 0.1 * _BELOW**2)  # a face narrows below the eyes
_ACROSS = np.linspace(-1, 1, 17)  # from left to right
_ARCH = np.sqrt(1 - _ACROSS**2)  # half a circle over it
_BOW = 1 - _ACROSS**2  # a parabola over it
_OVER = np.linspace(np.pi * 1.02, np.pi * 1.98, 25)  # from the left temple over the top of the head to the right one
_OVER_COS, _OVER_SIN = np.cos(_OVER), np.sin(_OVER)
_WALK = np.linspace(0, 1, 13)
_PUFF = np.sin(np.pi * _WALK)
_SWOOP = np.concatenate((31.5 - 10.5 * _WALK**1.7 - 2.2 * _PUFF, 21.0 + 10.5 * _WALK**1.5 - 0.4 * _PUFF))


def _hair_behind(pen: Pen, look: _Look) -> None:
    x = look.head_x - 1.6 * look.face.turn
    pen.ellipse(x, 31.5, 18.2, 19, look.hair_shadow, ON_HAIR)
    if look.face.long_hair:
        bottom = 54 + 7 * look.face.hair_length
        width = np.array([18.2, 19.6, 20.6, 20.8, 19.6, 15.0])
        down = np.array([0.0, 0.2, 0.45, 0.75, 0.93, 1.0])
        ys = 31 + (bottom - 31) * down
        xs = np.concatenate((x - width, x + width[::-1]))
        pen.shape(xs, np.concatenate((ys, ys[::-1])), look.hair_shadow, ON_HAIR)


def _body(pen: Pen, look: _Look) -> None:
    x = 32 + 0.4 * look.face.turn
    pen.ellipse(x, 72, 25, 16.5, look.cloth, ON_CLOTH)
    pen.ellipse(x, 56.5, 8.4, 4.6, look.cloth_shadow, ON_CLOTH)
    pen.ellipse(x, 56, 7.2, 4.2, look.skin, ON_SKIN)
    pen.shape(x + np.array([-6, 6, 6, -6]), np.array([46, 46, 56, 56]), look.skin, ON_SKIN)
    # The shadow of the chin falls on the neck.
    pen.shape(x + np.array([-6, 6, 6, -6]), np.array([46, 46, 53, 53]), look.skin_shadow, ON_SKIN)
    pen.ellipse(x, 53, 6, 2.6, look.skin_shadow, ON_SKIN)


def _head(pen: Pen, look: _Look) -> None:
    turn = look.face.turn
    for side in (-1, 1):
        x = look.head_x + side * (16.2 - 2.6 * max(0.0, side * turn)) - 0.6 * turn
        pen.ellipse(x, 38, 3.2, 4.4, look.skin, ON_SKIN)
        pen.ellipse(x - 0.3 * side, 38.2, 1.7, 2.7, look.skin_shadow, ON_SKIN)
    pen.shape(look.head_x + HEAD_RX * _JAW + 1.3 * turn * _BELOW, HEAD_Y + HEAD_RY * _SIN, look.skin, ON_SKIN)
    blush = mix(look.skin, (240, 84, 84), 0.2)
    for side in (-1, 1):
        x, share = look.eye(side)
        pen.ellipse(x + 1.8 * side * share, 43.2, 3.4 * share, 2.3, blush, ON_SKIN)


def _locks(pen: Pen, look: _Look) -> None:
    """Hair beside the face: to the shoulders when long, sideburns when short."""
    face = look.face
    for side in (-1, 1):
        x = look.head_x + side * 16.4 - 1.0 * face.turn
        if face.long_hair:
            bottom = 53 + 7 * face.hair_length
            down = np.array([0, 0.25, 0.5, 0.75, 0.92, 1.0])
            ys = 24 + (bottom - 24) * down
            inner = x - side * np.array([4.0, 2.6, 2.4, 3.4, 3.0, 0.0])
            outer = x + side * np.array([1.4, 3.2, 4.2, 4.4, 3.0, 0.6])
            pen.shape(np.concatenate((inner, outer[::-1])), np.concatenate((ys, ys[::-1])), look.hair, ON_HAIR)
        else:
            length = 31.5 + 4 * face.hair_length
            xs = x + side * np.array([-3.4, 1.0, 0.9, -1.6])
            pen.shape(xs, np.array([24, 24, length - 2, length]), look.hair, ON_HAIR)


def _hairline(look: _Look) -> tuple[np.ndarray, np.ndarray]:
    """Two swoops from the temples that meet at the part, right to left: xs and ys, (26,) each."""
    part, left, right = look.fringe_x - 5.0, look.head_x - 17.0, look.head_x + 17.0
    xs = np.concatenate((right + (part - right) * _WALK, part + (left - part) * _WALK))
    return xs, _SWOOP


def _forehead_shadow(pen: Pen, look: _Look) -> None:
    xs, ys = _hairline(look)
    xs = np.clip(xs, look.head_x - 15.2, look.head_x + 15.2)  # on the face, not beside it
    pen.band(xs, ys, ys + 1.5, look.skin_shadow, ON_SKIN)


def _fringe(pen: Pen, look: _Look) -> None:
    """A cap of hair over the head, from temple to temple, down to the hairline."""
    line_x, line_y = _hairline(look)
    xs = np.concatenate((look.head_x + 18.0 * _OVER_COS, line_x))
    pen.shape(xs, np.concatenate((31.0 + 19.4 * _OVER_SIN, line_y)), look.hair, ON_HAIR)
    # A band of gloss on the crown, on the side of the light.
    gloss_x = look.head_x + 5.5 * look.face.light + 8.5 * _ACROSS
    arch = 17.0 + 0.018 * (gloss_x - look.head_x) ** 2
    pen.band(gloss_x, arch - 0.9 * _BOW, arch + 0.9 * _BOW, look.hair_gloss, ON_HAIR)


def _lenses(pen: Pen, look: _Look) -> None:
    for side in (-1, 1):
        x, share = look.eye(side)
        edge = look.head_x + side * (HEAD_RX - 0.5)
        pen.line(x + side * 5 * share, EYE_Y - 0.5, edge, EYE_Y - 1.2, 1.3, INK, ON_GLASS)
        pen.ellipse(x, EYE_Y + 0.4, 6.4 * share, 6.4, look.lens, ON_SKIN)


def _eyes(pen: Pen, look: _Look) -> None:
    face = look.face
    lid = mix(look.lens if face.glasses else look.skin, look.skin_shadow, 0.45)
    bend = 0.98 - 1.9 * (1 - face.eyes) ** 1.9  # about 1 wide, about -1 asleep
    for side in (-1, 1):
        x, share = look.eye(side)
        rx, ry = 4.3 * share, 4.5
        pen.ellipse(x, EYE_Y, rx, ry, WHITE, ON_EYE)
        gaze = x + 0.9 * face.turn
        pen.ellipse(gaze, EYE_Y + 0.2, 3.0 * share, 3.1, (92, 58, 44), ON_EYE)
        pen.ellipse(gaze, EYE_Y + 0.2, 1.9 * share, 2.0, INK, ON_EYE)
        pen.ellipse(gaze + 1.1 * (1 if face.light > 0 else -1), EYE_Y - 1.1, 1.05, 1.05, WHITE, ON_EYE)
        # The lid hangs from the top of the eye; its edge bends from the upper arc (wide) to the lower one (asleep).
        edge_x, edge_y = x + (rx + 0.3) * _ACROSS, EYE_Y - bend * ry * _ARCH - 0.8 * (1 - abs(bend)) * _BOW
        pen.band(edge_x, EYE_Y - (ry + 0.5) * _ARCH, edge_y, lid, ON_SKIN)
        pen.band(edge_x, edge_y - 0.4 - 0.6 * _BOW, edge_y + 0.3, INK, ON_EYE)


def _brows(pen: Pen, look: _Look) -> None:
    colour = mix(look.hair, (60, 30, 30), 0.35)
    lift = 1.0 * look.face.eyes
    for side in (-1, 1):
        x, share = look.eye(side)
        xs = x + 4.4 * share * _ACROSS
        arch = 28.8 - lift - 1.3 * _BOW + 0.5 * side * _ACROSS
        pen.band(xs, arch - 0.35 - 0.5 * _BOW, arch + 0.35 + 0.5 * _BOW, colour, ON_HAIR)


def _nose(pen: Pen, look: _Look) -> None:
    away = -0.9 * look.face.light
    pen.ellipse(look.nose_x + away, 41.3, 2.3, 1.8, look.skin_shadow, ON_SKIN)
    pen.ellipse(look.nose_x, 40.6, 2.2, 1.7, mix(look.skin, (255, 226, 200), 0.1), ON_SKIN)


def _mouth(pen: Pen, look: _Look) -> None:
    face = look.face
    x = look.face_x + 0.6 * face.turn
    squeeze = 1 - 0.1 * abs(face.turn)
    if face.smile:
        wide = (8.0 + 1.0 * face.smile_width) * squeeze
        deep = 5.6 + 0.8 * face.smile_width
        xs = x + wide * _ACROSS
        top = MOUTH_Y - 1.6 + 0.9 * _BOW
        floor = MOUTH_Y - 1.6 + deep * _BOW**0.8
        pen.band(x + (wide + 0.8) * _ACROSS, top - 0.8, floor + 0.8 * _BOW**0.5, look.lip, ON_SKIN)
        pen.band(xs, top, floor, MOUTH, ON_EYE)
        pen.band(xs, np.maximum(top, floor - 1.5), floor, TONGUE, ON_EYE)
        pen.band(xs, top, np.minimum(floor, top + 2.3), WHITE, ON_EYE)
    else:
        wide = (3.4 + 0.8 * face.smile_width) * squeeze
        curve = MOUTH_Y + 0.5 * face.smile_width * _BOW
        pen.band(x + wide * _ACROSS, curve - 0.7 * _ARCH, curve + 0.7 * _ARCH, look.lip, ON_SKIN)


def _frames(pen: Pen, look: _Look) -> None:
    inner = []
    for side in (-1, 1):
        x, share = look.eye(side)
        inner.append(x - side * 6.0 * share)
        pen.ring(x, EYE_Y + 0.4, 6.8 * share, 6.8, 1.4, INK, ON_GLASS)
        glint = x + (2.6 if look.face.light > 0 else -2.6) * share
        pen.line(glint - 1.3, EYE_Y + 0.2, glint + 1.1, EYE_Y - 3.4, 0.9, WHITE, 0)
    middle, half = (inner[0] + inner[1]) / 2, (inner[1] - inner[0]) / 2 + 0.8
    arch = EYE_Y - 0.4 - 0.8 * _BOW
    pen.band(middle + half * _ACROSS, arch - 0.7, arch + 0.7, INK, ON_GLASS)


def _beanie(pen: Pen, look: _Look) -> None:
    x = look.head_x
    pen.ellipse(x - 0.8 * look.face.turn, 4.6, 3.6, 3.6, mix(look.cloth, WHITE, 0.3), ON_CLOTH)
    pen.band(x + 17.2 * _ACROSS, 21 - 15.5 * _ARCH**0.9, np.full(17, 21.0), look.cloth, ON_CLOTH)
    rim = 22.0 - 2.6 * _BOW
    pen.band(x + 18.6 * _ACROSS, rim - 4.4, rim + 1.0, mix(look.cloth, WHITE, 0.3), ON_CLOTH)
    pen.band(x + 18.0 * _ACROSS, rim + 0.6, rim + 1.3, look.cloth_shadow, ON_CLOTH)


def _brimmed_hat(pen: Pen, look: _Look) -> None:
    x = look.head_x
    crown = 20 - 16 * _ARCH**0.55
    pen.band(x + 14.2 * _ACROSS, crown, np.full(17, 20.0), look.cloth, ON_CLOTH)
    pen.band(x + 14.2 * _ACROSS, 15.4 + 0.6 * _BOW, 19.6 + 0.6 * _BOW, look.cloth_shadow, ON_CLOTH)
    pen.ellipse(x, 20.4, 23.5, 3.1, look.cloth_shadow, ON_CLOTH)
    pen.ellipse(x, 19.8, 23.5, 2.7, look.cloth, ON_CLOTH)
    pen.band(x + 14.2 * _ACROSS, 15.2 + 0.6 * _BOW, 18.6 + 1.6 * _BOW, look.cloth_shadow, ON_CLOTH)
