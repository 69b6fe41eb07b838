"""`python -m vae train`: what it says, what it keeps, and what it refuses."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from vae import checkpoint
from vae.batches import stored
from vae.cli import course, keeping, training
from vae.data import load
from vae.encodings import load_encodings
from vae.errors import VAEError
from vae.explore import projection
from vae.home import runs_folder
from vae.measure import measure
from vae.train import plan, runs, saves
from vae.train.events import EventLog
from vae.train.run import Run
from vae.train.step import Stepper

TINY = ("--data", "digits", "--model", "mlp", "--latent-dim", "3", "--encoder-sizes", "16", "--device", "cpu")

# ---- what it says --------------------------------------------------------------------------------------------------


def test_the_last_line_is_one_object_with_the_figures(trained):
    folder, _, said = trained
    result = said.json
    assert set(result) >= {"test_loss", "recon_nll", "kl", "elbo", "images_per_second", "seconds", "model_id"}
    assert said.err == ""
    assert result["elbo"] == pytest.approx(-(result["recon_nll"] + result["kl"]), rel=1e-5)
    assert result["test_loss"] == pytest.approx(-result["elbo"], rel=1e-5)
    assert result["epochs"] == 2 and result["device"] == "cpu" and result["effective_beta"] == 1
    kept = checkpoint.load(folder)
    assert result["model_id"] == kept.model_id
    assert result["test_loss"] == pytest.approx(measure(kept.vae, stored(load("digits", "test"))).loss, rel=1e-5)


def test_the_same_command_gives_the_same_model(vae, trained, tmp_path):
    again = vae("train", *TINY, "--epochs", 2, "--seed", 5, "--out", tmp_path / "again", "--json").json
    other = vae("train", *TINY, "--epochs", 2, "--seed", 6, "--out", tmp_path / "other", "--json").json
    assert again["model_id"] == trained[2].json["model_id"] != other["model_id"]


def test_without_out_the_model_stays_in_the_runs_own_folder(vae, tmp_path, monkeypatch, last_run):
    monkeypatch.chdir(tmp_path)
    said = vae("train", *TINY, "--epochs", 1, "--limit", 200)
    assert said.status == 0 and list(tmp_path.iterdir()) == []
    run = last_run()
    assert "nats per image" in said.out and str(run.folder / "model") in said.out
    assert run.name == "digits, mlp" and run.state() == "done" and not run.queued
    assert checkpoint.load(run.model_folder).card["title"] == "Small digits, 3 latents"
    assert not (run.folder / "saves").exists()  # nobody needs them any more


def test_bars_are_shown_on_standard_error_when_asked_for(vae):
    said = vae("train", *TINY, "--epochs", 1, "--limit", 200, "--json", "--progress")
    assert said.json["epochs"] == 1
    assert "training" in said.err and "KL" in said.err


# ---- what it keeps -------------------------------------------------------------------------------------------------


def test_the_card_says_how_it_was_made(trained):
    folder, _, said = trained
    card = checkpoint.load(folder).card
    assert card["name"] == "small" and card["title"] == "Small digits, 3 latents" and card["sentence"]
    assert card["data"]["name"] == "digits" and "UCI" in card["data"]["credit"]
    assert (card["data"]["train"], card["data"]["test"]) == (1437, 360)
    assert card["data"]["kept"] == {"train": 1437, "test": 360}
    assert card["likelihood"] == "Bernoulli on grey pixels (a pseudo-likelihood)" and card["binarisation"] == "none"
    assert card["seed"] == 5 and card["epochs"] == 2
    assert card["settings"]["batch_size"] == 128 and card["settings"]["rate"] == 0.001
    assert set(card["versions"]) == {"python", "torch", "muscope"} and card["versions"]["muscope"][0].isdigit()
    assert card["seconds"] > 0 and card["images_per_second"] > 0 and card["device"] == "cpu"
    assert card["figures"]["elbo"] == said.json["elbo"]
    assert len(card["made"]) == 10


def test_the_command_on_the_card_makes_the_model_again(vae, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ("--data", "digits", "--recipe", "keras", "--epochs", "1", "--limit", "100", "--title", "it's mine")
    out = tmp_path / "models" / "one"
    first = vae("train", *words, f"--out={out}", "--json", "--progress").json
    card = json.loads((out / "card.json").read_text())
    assert card["command"] == (
        "python -m vae train --data digits --recipe keras --epochs 1 --limit 100 --title 'it'\"'\"'s mine'"
        " --out=models/one"
    )
    assert vae("train", *words, "--out", "models/one", "--json").json["model_id"] == first["model_id"]


def test_codes_and_map_lie_beside_the_model(trained):
    codes = load_encodings(trained[0])
    assert len(codes) == 1797 and list(codes.maps) == ["pca"]
    assert (codes.split == 0).sum() == 1437
    assert codes.labels is not None and np.isfinite(codes.maps["pca"]).all()


def test_kept_images_are_chosen_by_the_seed(vae, tmp_path):
    words = ("train", *TINY, "--epochs", 1, "--keep-images", "100:40", "--map", "none", "--json")
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert vae(*words, "--seed", seed, "--out", tmp_path / name).status == 0
    a, b, c = (load_encodings(tmp_path / name) for name in "abc")
    assert (a.split == 0).sum() == 100 and (a.split == 1).sum() == 40 and a.maps == {}
    assert (a.index == b.index).all() and not (a.index == c.index).all()
    train = a.index[a.split == 0]
    assert len(set(train.tolist())) == 100 and (np.diff(train) > 0).all() and train.max() > 1000
    digits = load("digits", "train")
    assert digits.labels is not None
    assert (a.labels[a.split == 0] == digits.labels[train]).all()
    assert checkpoint.load(tmp_path / "a").card["data"]["kept"] == {"train": 100, "test": 40}


def test_half_halves_the_weights_and_the_figures_are_of_the_halved_model(vae, trained, tmp_path, monkeypatch):
    measured = []

    def watched(model, pixels):
        measured.append(all(torch.equal(value, value.half().float()) for value in model.state_dict().values()))
        return measure(model, pixels)

    monkeypatch.setattr(keeping, "measure", watched)
    said = vae("train", *TINY, "--epochs", 2, "--seed", 5, "--out", tmp_path / "half", "--half", "--json").json
    assert measured[-1]
    whole, half = ((f / "model.safetensors").stat().st_size for f in (trained[0], tmp_path / "half"))
    assert half < 0.65 * whole
    kept = checkpoint.load(tmp_path / "half")
    test = measure(kept.vae, stored(load("digits", "test")))
    assert kept.card["figures"]["recon_nll"] == said["recon_nll"] == pytest.approx(test.recon_nll, rel=1e-5)


def test_both_maps_and_every_figure(vae, tmp_path, monkeypatch):
    monkeypatch.setattr(projection, "umap", lambda mu, *, seed, progress: mu[:, :2] + seed)
    words = ("--epochs", 1, "--map", "both", "--evaluate", "--half", "--out", tmp_path / "model")
    said = vae("train", *TINY, *words, "--json").json
    assert list(load_encodings(tmp_path / "model").maps) == ["pca", "umap"]
    card = checkpoint.load(tmp_path / "model").card
    assert card["figures"] == {
        k: v for k, v in vae("evaluate", tmp_path / "model", "--json").json.items() if k != "model_id"
    }
    assert card["figures"]["test_loss"] == said["test_loss"]
    ready = [event for event in Run.open(runs_folder() / said["run"]).events()[0] if event.get("ready")]
    assert ready and ready[0]["model_id"] == said["model_id"]  # it can be opened while UMAP is at work


def test_a_model_may_be_replaced_and_nothing_else(vae, tmp_path):
    out = tmp_path / "model"
    assert vae("train", *TINY, "--epochs", 1, "--limit", 100, "--out", out).status == 0
    (out / ".DS_Store").write_text("")
    assert vae("train", *TINY, "--epochs", 1, "--limit", 100, "--out", out, "--seed", 1).status == 0
    (out / "notes.txt").write_text("mine")
    said = vae("train", *TINY, "--epochs", 1, "--limit", 100, "--out", out)
    assert said.status == 2 and "notes.txt" in said.err
    assert (out / "notes.txt").read_text() == "mine" and checkpoint.load(out).card["seed"] == 1


def test_vectors_are_trained_on_and_drawn_as_bars(vae, tmp_path, last_run):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(200, 12)))
    words = ("--data", f"table:{tmp_path / 'rows.npy'}", "--model", "mlp", "--likelihood", "gaussian", "--epochs", 1)
    assert vae("train", *words, "--out", tmp_path / "model", "--json").json["likelihood"]
    assert checkpoint.load(tmp_path / "model").config.shape == (12,)
    shown = [event for event in last_run().events()[0] if event["kind"] == "frame"]
    with Image.open(last_run().folder / shown[-1]["pictures"]) as picture:
        assert picture.height == 2 * 64 + 2


def test_paths_are_meant_from_where_the_command_was_given(vae, tmp_path, monkeypatch, last_run):
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).normal(size=(60, 5)))
    monkeypatch.chdir(tmp_path)
    said = vae("train", "--data", "table:rows.npy", "--model", "mlp", "--epochs", 1, "--out=here", "--json").json
    assert said["folder"] == str(tmp_path / "here") and f"--out={tmp_path / 'here'}" in last_run().arguments
    assert f"table:{tmp_path / 'rows.npy'}" in last_run().arguments
    assert "--data table:rows.npy --model mlp" in checkpoint.load(tmp_path / "here").card["command"]


# ---- watching and stopping -----------------------------------------------------------------------------------------


def test_events_tell_the_whole_run(trained):
    folder, run, said = trained
    events, _ = run.events()
    kinds = [event["kind"] for event in events]
    assert kinds[:3] == ["data", "start", "frame"] and kinds[-1] == "done"
    assert [event["epoch"] for event in events if event["kind"] == "epoch"] == [1, 2]
    shown = [event for event in events if event["kind"] == "frame"]
    assert [event["step"] for event in shown] == [0, 5, 10, 12, 24]
    for event in shown:
        assert (run.folder / event["pictures"]).is_file() and (run.folder / event["samples"]).is_file()
    assert {k: v for k, v in events[-1].items() if k != "kind"} == said.json
    epoch = next(event for event in events if event["kind"] == "epoch")
    assert len(epoch["kl_per_dim"]) == 3 and epoch["seconds_left"] > 0
    start = next(event for event in events if event["kind"] == "start")
    assert (start["train"], start["steps"], start["batch_size"], start["objective"]) == (1437, 12, 128, "fixed")
    assert (folder / "history.safetensors").is_file()


def test_an_epoch_is_told_only_when_its_save_is_on_the_disk(vae, monkeypatch):
    there = []
    say = EventLog.say

    def heard(log, kind, **fields):
        if kind == "epoch":
            there.append((fields["step"], Run(log.path.parent).saved_step(), fields.get("flush")))
        say(log, kind, **fields)

    monkeypatch.setattr(EventLog, "say", heard)
    monkeypatch.setattr(course, "SAVE_WORTH", 0)
    assert vae("train", *TINY, "--epochs", 3, "--limit", 200).status == 0
    assert there == [(2, 2, True), (4, 4, True), (6, 6, True)]


def test_saves_take_a_small_part_of_the_time_and_none_is_missing_at_the_end(vae, monkeypatch, last_run):
    written, write = [], saves.write

    def counted(folder, step, *state, **loss):
        written.append(step)
        return write(folder, step, *state, **loss)

    monkeypatch.setattr(saves, "write", counted)
    monkeypatch.setattr(course, "SAVE_WORTH", 1e9)
    assert vae("train", *TINY, "--epochs", 4, "--limit", 200).status == 0
    assert written == [2, 8]
    said = [event for event in last_run().events()[0] if event["kind"] == "epoch"]
    assert [event["step"] for event in said] == [2, 4, 6, 8]


def test_minutes_end_a_run_and_an_objective_bends_it(vae, last_run):
    bend = ("--objective", "warmup", "--rise", 0.8)
    said = vae("train", *TINY, "--minutes", 0.05, *bend, "--limit", 64, "--json").json
    assert said["epochs"] > 1
    events = last_run().events()[0]
    first = next(event for event in events if event["kind"] == "step")
    last = [event for event in events if event["kind"] == "epoch"][-1]  # steps are not all said
    assert first["beta"] < 0.1 and last["beta"] > 0.9
    card = checkpoint.load(last_run().model_folder).card
    assert card["settings"]["objective"]["kind"] == "warmup" and card["settings"]["minutes"] == 0.05


def test_ctrl_c_keeps_the_model_too(vae, tmp_path, monkeypatch, last_run):
    press_after(monkeypatch, 3, 1)
    before = signal.getsignal(signal.SIGINT)
    result = vae("train", *TINY, "--epochs", 1000, "--batch-size", 144, "--out", tmp_path / "model", "--json").json
    assert result["epochs"] == 0.3
    assert signal.getsignal(signal.SIGINT) is before
    kept = checkpoint.load(tmp_path / "model")
    assert kept.model_id == result["model_id"]
    assert kept.card["epochs"] == 0.3 and kept.card["settings"]["epochs"] == 1000
    assert list(load_encodings(tmp_path / "model").maps) == ["pca"]
    assert last_run().state() == "stopped" and last_run().last_event() == {"kind": "stopped"} | result


def test_a_second_ctrl_c_interrupts_and_the_run_can_go_on(vae, tmp_path, monkeypatch, last_run, trained):
    press_after(monkeypatch, 15, 2)
    said = vae("train", *TINY, "--epochs", 2, "--seed", 5, "--out", tmp_path / "model", "--json")
    assert said.status == 130 and said.err.count("\n") == 1
    assert not (tmp_path / "model").exists()
    run = last_run()
    assert run.state() == "interrupted" and "Resume it" in run.failure()
    monkeypatch.undo()
    resumed = vae("runs", "resume", run.id, "--here", "--json").json
    assert resumed["run"] == run.id and resumed["epochs"] == 2
    assert resumed["model_id"] == trained[2].json["model_id"]  # as if nobody had pressed anything
    assert checkpoint.load(tmp_path / "model").card["resumed"] == 1


def press_after(monkeypatch, steps, times):
    """Press Ctrl-C so many times in the middle of this step."""
    real, taken = Stepper.gradients, []

    def press(*arguments):
        taken.append(1)
        if len(taken) == steps:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(Stepper, "gradients", press)


# ---- which model ---------------------------------------------------------------------------------------------------


def config_of(parse, *words, shape=(1, 28, 28)):
    return plan.make_model_config(parse("train", "--data", "mnist", *words), shape)


@pytest.fixture
def parse():
    from vae.cli import _parser

    return lambda *words: _parser().parse_args([str(word) for word in words])


def test_a_recipe_is_as_its_source_has_it(parse):
    config = config_of(parse, "--recipe", "pytorch")
    assert (config.recipe, config.latent_dim, config.encoder_sizes, config.batch_reduction) == (
        "pytorch",
        20,
        (400,),
        "sum",
    )
    assert config.shape == (1, 28, 28)
    changed = config_of(
        parse, "--recipe", "edifice", "--latent-dim", 4, "--beta", 0.1, "--activation", "tanh", "--encoder-sizes", "8,4"
    )
    assert (changed.latent_dim, changed.beta, changed.activation) == (4, 0.1, "tanh")
    assert (changed.encoder_sizes, changed.decoder_sizes) == ((8, 4), (4, 8))
    conv = config_of(parse, "--recipe", "scratch", "--model", "conv", "--likelihood", "mse", "--latent-dim", 3)
    assert (conv.network, conv.likelihood, conv.encoder_sizes, conv.latent_dim) == ("conv", "mse", (32, 64), 3)


@pytest.mark.parametrize(
    ("side", "sizes"),
    [(8, (32, 64)), (28, (32, 64)), (32, (32, 64)), (64, (32, 64, 64, 128)), (128, (32, 64, 64, 128, 128))],
)
def test_a_convolutional_net_fits_the_size_of_the_images(parse, side, sizes):
    config = config_of(parse, "--model", "conv", shape=(3, side, side))
    assert (config.encoder_sizes, config.decoder_sizes, config.latent_dim) == (sizes, sizes[::-1], 16)
    assert 2 <= side >> len(sizes) <= 10


def test_a_network_of_ones_own(parse):
    config = config_of(parse, "--model", "mlp", "--latent-dim", 2, "--binarise", "dynamic", "--beta", 4)
    assert (config.encoder_sizes, config.decoder_sizes, config.binarise, config.beta) == ((400,), (400,), "dynamic", 4)
    own = config_of(parse, "--model", "mlp", "--encoder-sizes", "32, 16", "--decoder-sizes", "64")
    assert (own.encoder_sizes, own.decoder_sizes) == ((32, 16), (64,))


def test_what_was_left_out_is_trained_as_the_source_does(parse):
    settings = plan.make_settings(parse("train", "--data", "mnist", "--recipe", "pytorch", "--rate", 0.01))
    assert (settings.epochs, settings.batch_size, settings.rate, settings.decay) == (10, 128, 0.01, 0)


# ---- what it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--latent-dim", 0), "latent_dim is 0"),
        (("--latent-dim", 1_000_000), "latent_dim is 1000000"),
        (("--latent-dim", "many"), "--latent-dim"),
        (("--beta", "nan"), "beta is nan"),
        (("--epochs", 0), "epochs is 0"),
        (("--rate", "inf"), "learning rate"),
        (("--batch-size", -1), "batch_size"),
        (("--decay", 2), "decay is 2"),
        (("--seed", -3), "seed is -3"),
        (("--threads", 0), "--threads"),
        (("--limit", 0), "--limit"),
        (("--keep-images", "12"), "8000:2000"),
        (("--keep-images", "12:x"), "--keep-images"),
        (("--encoder-sizes", "32,,2"), "--encoder-sizes"),
        (("--encoder-sizes", "99999"), "encoder_sizes"),
        (("--data", "mnits"), "no data set 'mnits'"),
        (("--data", "folder:/nowhere/at/all"), "no folder 'all'"),
        (("--data", "table:/nowhere.csv"), "nowhere.csv"),
        (("--device", "tpu"), "device"),
        (("--recipe", "nope"), "no recipe 'nope'"),
        (("--recipe", "pytorch", "--likelihood", "mse"), "no option"),
        (("--likelihood", "mse", "--binarise", "dynamic"), "Binarised"),
        (("--model", "conv", "--encoder-sizes", "4,4,4,4,4"), "halvings"),
        (("--map", "tsne"), "--map"),
        (("--nonsense",), "--nonsense"),
        (("--objective", "loop"), "objective"),
        (("--minutes", 0), "minutes is 0"),
        (("--precision", "int8"), "precision"),
        (("--precision", "bfloat16"), "bfloat16"),
        (("--follow",), "add --queue"),
        (("--epoch", 3), "--epoch"),
    ],
)
def test_what_cannot_work_is_told_in_one_line_before_anything_happens(vae, tmp_path, monkeypatch, words, reason):
    monkeypatch.setattr(training, "carry_out", pytest.fail)
    monkeypatch.setattr(runs, "write_folder", pytest.fail)
    said = vae("train", *TINY, *words, "--out", tmp_path / "model")
    assert said.status == 2 and said.out == ""
    assert said.err.count("\n") == 1 and reason in said.err and "usage" not in said.err
    assert list(tmp_path.iterdir()) == []


def test_a_model_must_be_named(vae):
    said = vae("train", "--data", "digits")
    assert said.status == 2 and "--recipe NAME or --model" in said.err


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda out: out.write_text("mine"), "is a file"),
        (lambda out: (out.mkdir(), (out / "thesis.txt").write_text("mine")), "thesis.txt"),
        (lambda out: (out.mkdir(), (out / "card.json").write_text("{}")), "is no model"),
    ],
)
def test_what_lies_at_out_is_not_touched(vae, tmp_path, monkeypatch, make, reason):
    monkeypatch.setattr(training, "carry_out", pytest.fail)
    out = tmp_path / "out"
    make(out)
    said = vae("train", *TINY, "--out", out)
    assert said.status == 2 and reason in said.err
    assert out.exists()


def test_a_place_that_cannot_be_written_is_found_before_training(vae, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "carry_out", pytest.fail)
    (tmp_path / "file").write_text("")
    said = vae("train", *TINY, "--out", tmp_path / "file" / "model")
    assert said.status == 2 and "could not be written" in said.err
    monkeypatch.chdir(tmp_path)
    for out in (".", ".."):
        assert "no name of its own" in vae("train", *TINY, "--out", out).err
    said = vae("train", *TINY, "--out", tmp_path / "model.pt")
    assert said.status == 2 and "--out takes the folder" in said.err


def test_a_table_with_a_hole_is_refused_by_row_and_column(vae, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,nan\n5,6\n")
    said = vae("train", "--data", f"table:{tmp_path / 'rows.csv'}", "--model", "mlp")
    assert said.status == 2 and "row 3, column 2" in said.err and said.err.count("\n") == 1
    (tmp_path / "good.csv").write_text("a,b\n1,2\n3,4\n5,6\n")
    said = vae("train", "--data", f"table:{tmp_path / 'good.csv'}", "--model", "conv")
    assert said.status == 2 and "choose network 'mlp'" in said.err


def test_a_run_that_breaks_says_so_in_its_events_and_can_go_on(vae, monkeypatch, last_run):
    def broken(*arguments):
        raise KeyError("a bug")

    with monkeypatch.context() as patch:
        patch.setattr(course, "Recorder", broken)
        with pytest.raises(KeyError):
            vae("train", *TINY, "--limit", 64, "--epochs", 1)
    run = last_run()
    last = run.last_event()
    assert last["kind"] == "failed" and "KeyError" in last["line"] and run.failure() == last["line"]
    assert run.state() == "failed" and run.can_resume
    assert vae("runs", "resume", run.id, "--here", "--json").json["run"] == run.id
    assert run.state() == "done"


def test_a_run_that_went_wrong_keeps_its_last_good_epoch_and_says_what_to_change(vae, monkeypatch, last_run):
    real, taken = Stepper.gradients, []

    def wrong(stepper, *arguments):
        terms = real(stepper, *arguments)
        taken.append(1)
        return replace(terms, kl=terms.kl * float("nan")) if len(taken) > 4 else terms

    monkeypatch.setattr(Stepper, "gradients", wrong)
    said = vae("train", *TINY, "--limit", 256, "--epochs", 9, "--map", "none")  # two steps in each epoch
    assert said.status == 2 and "KL" in said.err and "lower learning rate" in said.err and said.err.count("\n") == 1
    run = last_run()
    assert run.state() == "failed" and run.last_event()["model_id"]
    kinds = [event["kind"] for event in run.events()[0]]
    assert "skipped" in kinds and kinds.index("rolled_back") < kinds.index("failed")
    kept = checkpoint.load(run.model_folder)
    assert kept.model_id == run.last_event()["model_id"] and kept.card["epochs"] == 2


def test_a_full_disk_is_told_where_nothing_more_can_be_written(vae, monkeypatch, last_run):
    say = EventLog.say

    def full(log, kind, **fields):
        if kind not in ("data", "start"):
            raise VAEError("The disk is full: events.jsonl was not saved. Free some space and try again.")
        say(log, kind, **fields)

    monkeypatch.setattr(EventLog, "say", full)
    said = vae("train", *TINY, "--limit", 64, "--epochs", 1)
    assert said.status == 2 and "disk is full" in said.err
    monkeypatch.undo()
    assert last_run().state() == "failed" and last_run().failure().startswith("The disk is full")
    assert vae("runs", "resume", "last", "--here", "--json").json["epochs"] == 1
    assert last_run().state() == "done"


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 80 GB")],
)
def test_a_full_memory_is_told_plainly(vae, monkeypatch, error):
    def full(*arguments, **options):
        raise error

    monkeypatch.setattr(course, "Trainer", full)
    said = vae("train", *TINY)
    assert said.status == 2 and said.err.startswith("The memory is full") and said.err.count("\n") == 1


# ---- beside PCA ----------------------------------------------------------------------------------------------------


def test_the_card_says_how_pca_of_the_same_size_does_and_the_run_says_so_where_it_is_better(trained):
    from sklearn.decomposition import PCA

    from vae.evaluate.against_pca import read_against_pca

    folder, _, said = trained
    kept = checkpoint.load(folder)
    found = read_against_pca(kept.card["against_pca"])
    train, test = (load("digits", split).pixels.reshape(-1, 64) / 255 for split in ("train", "test"))
    theirs = PCA(3).fit(train)
    drawn = theirs.inverse_transform(theirs.transform(test)).clip(0, 1)
    assert found.pca.value == pytest.approx(np.square(drawn - test).mean(), rel=1e-3)
    errors = load_encodings(folder).recon_error
    assert found.model.value == pytest.approx(errors[-len(test) :].mean(), rel=1e-3)
    assert (found.numbers, found.components, found.test) == (3, 3, len(test))
    assert found.better == "pca" and "PCA with as many numbers does better" in said.json["note"]  # two epochs
