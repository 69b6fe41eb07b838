"""Your data, without a browser: what came is shown at once, can be chosen otherwise, becomes a set, and is private."""

import io
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from live import takings
from live.uploads import Parcel, shared_uploads
from live.visitor import short
from pages.ui import bring_sets, cache, judged, seen
from pages.ui.bring_making import keep_days
from tests.live.test_uploads import framed
from tests.pages.conftest import serve_others, sound, visit, words_on
from vae import data
from vae.data import brought, intake
from vae.errors import VAEError
from vae.train import suited

ONE = "0123456789abcdef"


@pytest.fixture(autouse=True)
def ours(home, monkeypatch):
    """A home of this test's own, and takings that end with it."""
    made = takings.Takings()
    monkeypatch.setattr(takings, "shared_takings", lambda: made)
    monkeypatch.setattr("pages.ui.bring_making.shared_takings", lambda: made)
    yield
    made.close()


def pictures(count: int = 12, size: tuple[int, int] = (12, 10)) -> bytes:
    """A zip of grey pictures in two folders, and a file that is none."""
    file, draw = io.BytesIO(), np.random.default_rng(1)
    with zipfile.ZipFile(file, "w") as packed:
        for place in range(count):
            png = io.BytesIO()
            Image.fromarray(draw.integers(0, 256, size[::-1], dtype=np.uint8)).save(png, "PNG")
            packed.writestr(f"{'ab'[place % 2]}/{place}.png", png.getvalue())
        packed.writestr("notes.txt", "not a picture")
    return file.getvalue()


def give(app, hands, name: str, content: bytes, upload: str = ONE):
    """What the browser does: the bytes, then a word to the page."""
    owner = short(app.session_state["muscope"].name)
    uploads = shared_uploads()
    uploads.begin(owner, upload, 1, len(content))
    Parcel(uploads, owner, upload).feed(framed([(1, name, content)]))
    uploads.finish(owner, upload)
    return hands.tell_raw(app, "drop", "settled", {"upload": upload})


def use(app):
    """Press the button, and wait until Train is open with the set."""
    app = app.button(key="bring.do.use").click().run()
    end = time.monotonic() + 20
    while "Train" not in [each.value for each in app.title] and time.monotonic() < end:
        time.sleep(0.05)
        app = app.run()
    assert [each.value for each in app.title] == ["Train"], words_on(app)
    return sound(app)


def test_from_a_file_to_a_training_by_four_presses(hands):
    app = sound(give(visit("bring.py"), hands, "my_cells.zip", pictures()))
    assert "**12 images**, 12 by 10 pixels, grey" in words_on(app)
    assert "2 labels: a (6), b (6)." in words_on(app)
    assert any("1 file is left out" in each.label for each in app.expander)
    assert app.text_input(key=f"bring.name.{ONE}").value == "my cells"
    app = use(app)
    (made,) = brought.sets(None)
    assert app.selectbox(key="train.data").value == made.name and made.owner == short(app.session_state["muscope"].name)
    assert app.selectbox(key="train.network").value == "mlp"
    assert shared_uploads().found(made.owner, ONE) is None  # what was uploaded is needed no more
    assert app.button(key="train.do.start").label == "Start training"
    options = suited.suited(made.name)
    assert (options.likelihood, options.batch_size) == ("gaussian", 32)


def test_what_is_chosen_is_what_is_made(hands):
    app = give(visit("bring.py"), hands, "cells.zip", pictures())
    key = f"bring.{ONE}."
    app = app.selectbox(key=f"{key}.side").set_value((16, 16)).run()
    assert "16 by 16 pixels" in words_on(app)
    app = sound(app.button_group(key=f"{key}.fit").set_value("pad").run())
    app = app.selectbox(key=f"{key}.label").set_value("").run() if _has(app, f"{key}.label") else app
    app = use(app.text_input(key=f"bring.name.{ONE}").set_value("small ones").run())
    (made,) = brought.sets(None)
    assert (made.title, made.shape, made.choice.fit) == ("small ones", (1, 16, 16), "pad")
    assert data.load(made.name, "train").shape == (1, 16, 16)


def described() -> bytes:
    """A zip of pictures and a table of them; one picture is black, one broken, one not there."""
    file, draw = io.BytesIO(), np.random.default_rng(1)
    lines = ["file,label,day,note", "gone.png,a,1,nothing"]
    with zipfile.ZipFile(file, "w") as packed:
        for place in range(24):
            png, pixels = io.BytesIO(), draw.integers(0, 256, (40, 48), dtype=np.uint8)
            Image.fromarray(pixels * (place > 0)).save(png, "PNG")
            packed.writestr(f"c{place}.png", png.getvalue())
            lines.append(f"c{place}.png,{'ab'[place % 2]},{place % 5 + 1},n{place}")
        packed.writestr("broken.png", b"\x89PNG\r\n\x1a\n and no more")
        packed.writestr("rows.csv", "\n".join(lines))
    return file.getvalue()


def test_what_a_column_is_can_be_said_and_empty_images_left_out(hands):
    app = sound(give(visit("bring.py"), hands, "cells.zip", described()))
    said = words_on(app)
    assert "48 by 40 pixels" in said and "1 image is all black\\: c0" in said
    assert "names 1 image that is not there" in said and "Kept, and not on the map: note" in said
    assert any(each.label == "1 file is left out" for each in app.expander)
    key = f"bring.{ONE}."
    assert "file" not in app.selectbox(key=f"{key}.split").options
    assert not any("note" in each for each in app.selectbox(key=f"{key}.split").options)
    assert app.selectbox(key=f"{key}.is.day").value == "number"
    app = app.selectbox(key=f"{key}.is.day").set_value("kinds").run()
    app = sound(app.checkbox(key=f"{key}.flat").check().run())
    assert "**23 images**" in words_on(app) and "all black" not in words_on(app)
    use(app)
    (made,) = brought.sets(None)
    assert made.attribute_names == tuple(f"day: {day}" for day in range(1, 6)) and len(made) == 23


def _has(app, key: str) -> bool:
    return any(each.key == key for each in app.selectbox)


def test_what_cannot_be_used_is_told_in_one_line_and_looked_at_once(hands, monkeypatch):
    looks = []
    real = intake.look
    monkeypatch.setattr(intake, "look", lambda *asked, **how: looks.append(asked) or real(*asked, **how))
    app = give(visit("bring.py"), hands, "virus.exe", b"MZ" + bytes(500))
    (line,) = [each.value for each in app.error]
    assert "\n" not in line and "Muscope itself" not in line
    app.run()
    assert len(looks) == 1
    assert not _has(app, "bring.do.use") and not app.exception


@pytest.mark.parametrize("told", [None, 5, [], {}, {"upload": 3}, {"upload": "../../x"}, {"upload": "f" * 16}])
def test_an_upload_that_is_not_this_visitors_is_refused(hands, told):
    app = visit("bring.py")
    uploads = shared_uploads()
    uploads.begin("somebodyelse", "f" * 16, 1, 1)
    Parcel(uploads, "somebodyelse", "f" * 16).feed(framed([(1, "a", b"a")]))
    uploads.finish("somebodyelse", "f" * 16)
    app = hands.tell_raw(app, "drop", "settled", told)
    if told is not None:
        (line,) = [each.value for each in app.error]
        assert "once more" in line
    assert hands.data["drop"]["there"] is None and uploads.found("somebodyelse", "f" * 16)


def test_what_is_removed_is_gone(hands):
    app = give(visit("bring.py"), hands, "cells.zip", pictures())
    assert hands.data["drop"]["there"]["name"] == "cells.zip"
    app = sound(hands.tell_raw(app, "drop", "removed", {"upload": ONE}))
    assert hands.data["drop"]["there"] is None and not any(each.key == "bring.do.use" for each in app.button)
    assert not list(shared_uploads()._root.rglob("*.bin"))


# ---- whose it is ---------------------------------------------------------------------------------------------------


@pytest.fixture
def made(home, tmp_path):
    """A set of Ada's."""
    (tmp_path / "cells.zip").write_bytes(pictures())
    return intake.take_in(tmp_path / "cells.zip", title="cells", owner="ada000000000", keep_days=30)


def offered(app) -> list[str]:
    return [one for one in app.selectbox(key="train.data").options if "cells" in one]


def test_a_set_is_its_owners_until_shared(made, monkeypatch):
    assert "cells" in words_on(visit("bring.py")) and offered(visit("train.py"))  # whoever sits at this machine
    serve_others(monkeypatch)
    assert "**cells**" not in words_on(visit("bring.py")) and not offered(visit("train.py"))
    brought.share(made, True)
    app = visit("bring.py")
    assert "shared by another visitor" in words_on(app) and offered(visit("train.py")) == ["cells"]
    assert not any(each.key == f"bring.do.share.{made}" for each in app.button)
    app = app.button(key=f"bring.do.train.{made}").click().run()
    assert app.selectbox(key="train.data").value == f"brought:{made}"


def test_once_sharing_stops_others_see_their_models_and_not_the_images(made, monkeypatch):
    name, image = f"brought:{made}", "train/0"
    brought.share(made, True)
    serve_others(monkeypatch)
    monkeypatch.setattr(seen, "visitor", lambda: "bob000000000")
    assert cache.original(name, image) is not None
    brought.share(made, False)
    assert cache.original(name, image) is None  # though it was drawn a moment ago
    with pytest.raises(VAEError, match="no longer shared"):
        judged.error_map("any", name, 0)
    monkeypatch.setattr(seen, "visitor", lambda: "ada000000000")
    assert cache.original(name, image) is not None


def test_an_image_is_called_as_its_owner_calls_it_where_she_may_see_it(made, monkeypatch):
    known = SimpleNamespace(split=np.zeros(10, np.uint8), index=np.arange(10), labels=None, row_of=lambda image: 3)
    monkeypatch.setattr(cache, "by_id", lambda model_id: SimpleNamespace(data=f"brought:{made}", shape=(1, 10, 12)))
    monkeypatch.setattr(cache, "encodings", lambda model_id: known)
    name = brought.rows(made, "train")["file"][3].as_py()
    serve_others(monkeypatch)
    for visitor, shared, words in (
        ("ada000000000", False, name),
        ("bob000000000", False, "training image 3"),
        ("bob000000000", True, name),
    ):
        monkeypatch.setattr(seen, "visitor", lambda visitor=visitor: visitor)
        brought.share(made, shared)
        assert cache.caption_of("any", "train/3") == words


def test_its_owner_shares_and_deletes_it(made, monkeypatch):
    told: list[str] = []
    monkeypatch.setattr(bring_sets.privacy, "withdraw", lambda _: told.append("open pages"))
    monkeypatch.setattr(bring_sets.takeaways, "sweep", lambda: told.append("files"))
    app = visit("bring.py")
    app = app.button(key=f"bring.do.share.{made}").click().run()
    assert brought.get(made).shared and "shared by you" in words_on(app)
    app = app.button(key=f"bring.do.share.{made}").click().run()
    assert not brought.get(made).shared and told == ["open pages"] * 2
    app = sound(app.button(key=f"bring.do.delete.{made}").click().run())
    assert not brought.sets(None) and "Nothing yet" in words_on(app) and sorted(told[2:]) == ["files", "open pages"]


def test_when_it_goes_is_said(made, monkeypatch):
    app = visit("bring.py")
    assert "goes on " in words_on(app) and keep_days() is None
    serve_others(monkeypatch)
    assert keep_days() == 30
    monkeypatch.setenv("MUSCOPE_BROUGHT_DAYS", "0")
    assert keep_days() is None
