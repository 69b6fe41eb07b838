"""A person's own code: where it may come from, and that whatever it does ends in one plain line."""

import os
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch

from vae.foreign import adapted, known
from vae.foreign import adapter as ours
from vae.foreign.adapter import Own, adapters, open_adapter
from vae.foreign.allow import VARIABLE, allow
from vae.posterior import POINT_LOGVAR

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = f"{ROOT}/examples/adapter.py:Waves"


@pytest.fixture(autouse=True)
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setattr(ours, "entry_points", lambda group: ())


@torch.inference_mode()
def test_the_example_can_be_opened_and_waves_lead_back() -> None:
    allow(["--adapter", EXAMPLE])
    assert [(each.name, each.where) for each in adapters()] == [("Waves", "adapter.py")]
    made = Own("Waves", open_adapter("Waves"))
    z = torch.randn(5, 12, generator=torch.Generator().manual_seed(0)) * 0.05
    torch.testing.assert_close(made.read(made.draw(z))[0], z, atol=1e-5, rtol=0)


def test_several_files_and_both_ways_to_say_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("class A: pass\nclass B: pass\n")
    allow([f"--adapter={other}:A", "--adapter", f"{other}:B"])
    assert [each.name for each in adapters()] == ["A", "B"]
    assert os.environ[VARIABLE] == f"{other}:A:{other}:B"


TWO = """
import torch
class Net:
    shape, latent_dim = (1, 8, 8), {latents}
    def encode(self, x): return x.flatten(1)[:, :{latents}]
    def decode(self, z): return z.new_zeros((len(z), 1, 8, 8))
"""


def test_two_classes_of_one_name_are_two_adapters(tmp_path: Path, refused) -> None:
    for latents, folder in enumerate(("one", "two"), start=2):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(TWO.format(latents=latents))
        allow(["--adapter", f"{tmp_path}/{folder}/net.py:Net"])
    assert [(each.name, each.where) for each in adapters()] == [
        ("Net", "two/net.py"),  # the one named last comes first
        ("Net of one-net.py", "one/net.py"),
    ]
    assert [open_adapter(each.name).latent_dim for each in adapters()] == [3, 2]
    kept = known.look_at_adapter("Net of one-net.py").plan
    assert kept is not None and kept.network == {"name": "Net", "where": "one/net.py"}
    assert adapted.core_of(kept, (1, 8, 8)).latents == 2  # by its file, whichever comes first by now
    with refused("no adapter 'Other' of x.py"):
        open_adapter("Other", "x.py")


def test_code_that_changed_is_named_with_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused) -> None:
    allow(["--adapter", EXAMPLE])
    plan = adapted.Plan("own", {"name": "Waves", "where": "mine.py"})
    with refused("my-cells does not fit the adapter Waves of adapter.py as it is now, and was kept with that of mine"):
        adapted.network(plan, (1, 8, 8), {"made.scale": torch.zeros(())}, "my-cells")
    plan = adapted.Plan("own", {"name": "Waves", "where": "adapter.py"})
    with refused("my-cells does not fit the adapter Waves of adapter.py as it is now: start"):
        adapted.network(plan, (1, 8, 8), {}, "my-cells")


@pytest.mark.parametrize(
    ("words", "line"),
    [(["--port", "3"], "not known"), (["--adapter", "no.py:A"], "no file"), (["--adapter", "x"], "no adapter")],
)
def test_what_cannot_be_meant_is_said_before_anything_is_served(words: list[str], line: str, refused) -> None:
    with refused(line):
        allow(words)


def test_an_installed_package_brings_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("theirs", "tests.foreign.test_adapter:Plain", ours.GROUP)
    monkeypatch.setattr(ours, "entry_points", lambda group: (point,) if group == ours.GROUP else ())
    assert open_adapter("theirs").latent_dim == 2


def test_nothing_is_imported_that_was_not_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused) -> None:
    (tmp_path / "hidden.py").write_text("raise SystemExit('it ran')")
    monkeypatch.chdir(tmp_path)
    for name in ("hidden:X", "hidden.py:X", "../hidden", "os"):
        with refused("no adapter"):
            open_adapter(name)


class Plain:
    """An adapter that is no nn.Module and gives codes without a spread."""

    shape, latent_dim = (1, 8, 8), 2

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        return x.flatten(1)[:, :2]

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return z.new_full((len(z), 1, 8, 8), 3.0)


def test_codes_without_a_spread_are_points_and_pictures_stay_in_range() -> None:
    own = Own("plain", Plain())
    assert bool((own.read(torch.rand(3, 1, 8, 8))[1] == POINT_LOGVAR).all())
    assert float(own.draw(torch.zeros(3, 2)).max()) == 1


class Raises(Plain):
    def encode(self, x: torch.Tensor) -> torch.Tensor:
        raise KeyError("no such layer\nat all")


class Short(Plain):
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(z), 64)


def test_whatever_it_does_is_one_plain_line() -> None:
    from vae.errors import VAEError

    with pytest.raises(VAEError, match="broke off: KeyError: 'no such layer"):
        Own("raises", Raises()).read(torch.rand(1, 1, 8, 8))
    with pytest.raises(VAEError, match=r"gave \(2, 64\): it must give a tensor of shape \(2, 1, 8, 8\)"):
        Own("short", Short()).draw(torch.zeros(2, 2))


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("shape = (1, 8, 8)", "latent_dim"),
        ("latent_dim = 3", "shape"),
        ("shape, latent_dim = (1, 8, 8), 3", "encode"),
        ("def __init__(self): raise RuntimeError('the disk')", "RuntimeError: the disk"),
    ],
)
def test_an_adapter_that_is_not_whole_says_what_is_missing(body: str, line: str, tmp_path: Path) -> None:
    from vae.errors import VAEError

    file = tmp_path / f"a{abs(hash(body))}.py"
    file.write_text(f"class A:\n    {body}\n")
    allow(["--adapter", f"{file}:A"])
    with pytest.raises(VAEError, match=line):
        open_adapter("A")
