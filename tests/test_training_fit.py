"""Fitting: the same run gives the same weights, whatever happens to it on the way."""

import csv
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from inspect_tool.errors import BackendError, OutputError
from inspect_tool.segmentation.networks.torch_network import TorchNetwork
from inspect_tool.segmentation.networks.unet import UNet
from inspect_tool.training.fit import fit

STEPS, EVERY = 24, 6


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # sums are added in one order, here and in the process that is killed
    yield
    torch.set_num_threads(before)


def draw(rng):
    image = rng.random((1, 16, 16), dtype=np.float32)
    return image, (image[0] > 0.5).astype(np.int32)


def loss(scores, target):
    return functional.cross_entropy(scores.float(), target.long())


def validate(network):
    image, target = draw(np.random.default_rng(99))
    found = network(torch.from_numpy(image)[None]).float().argmax(1)[0].numpy()
    return {"score": float((found == target).mean()), "share": float(found.mean())}


def network():
    torch.manual_seed(3)
    return TorchNetwork(UNet(base=4, depth=1))


def run(folder, **changed):
    settings = {"validate": validate, "steps": STEPS, "batch": 2, "every": EVERY, **changed}
    return fit(network(), draw, loss, folder=folder, **settings)


def same_weights(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


SCRIPT = """
    import sys, time
    from pathlib import Path
    import torch
    sys.path.insert(0, {tests!r})
    from test_training_fit import *
    torch.set_num_threads(1)

    def report(step, steps, values):
        if step == {last}:  # in the middle of a span between two checkpoints
            print("here", flush=True)
            time.sleep(60)

    fit(network(), draw, loss, validate, folder=Path({folder!r}), steps=STEPS, batch=2, every=EVERY, report=report)
"""


def test_a_run_that_was_killed_goes_on_to_the_same_weights(tmp_path):
    script = textwrap.dedent(SCRIPT).format(
        tests=str(Path(__file__).parent), folder=str(tmp_path / "killed"), last=EVERY * 2 + 3
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    process.stdout.close()
    seen = []
    resumed = fit(
        network(), draw, loss, validate, folder=tmp_path / "killed", steps=STEPS, batch=2, every=EVERY,
        report=lambda step, *_: seen.append(step),
    )  # fmt: skip
    whole = run(tmp_path / "whole")
    assert min(seen) == EVERY * 2 + 1  # from the checkpoint, not from the beginning
    assert same_weights(resumed.weights, whole.weights)
    assert [entry["loss"] for entry in resumed.history] == [entry["loss"] for entry in whole.history]
    assert (resumed.best_step, resumed.score) == (whole.best_step, whole.score)


def test_it_learns_and_keeps_the_best_of_what_it_saw(tmp_path):
    seen = []
    found = run(tmp_path, steps=60, every=10, rate=5e-3, report=lambda step, _, values: seen.append((step, values)))
    scores = [entry["score"] for entry in found.history]
    assert found.score == max(scores) > scores[0]
    assert found.best_step == found.history[scores.index(max(scores))]["step"]
    assert found.scores.keys() == {"score", "share"}
    assert [step for step, values in seen if "score" in values] == [10, 20, 30, 40, 50, 60]
    assert (found.steps, found.stopped) == (60, "steps")


def test_the_log_is_the_history(tmp_path):
    found = run(tmp_path)
    with (tmp_path / "log.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [6, 12, 18, 24]
    assert [float(row["score"]) for row in rows] == pytest.approx([entry["score"] for entry in found.history], rel=1e-4)


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = run(tmp_path)
    again = run(tmp_path, report=lambda *_: pytest.fail("made a step"))
    assert same_weights(first.weights, again.weights)
    assert again.history == first.history


def test_one_checkpoint_is_kept_and_no_pickle(tmp_path):
    run(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.csv", "state-24.safetensors", "state.json"]


def test_patience_ends_a_run(tmp_path):
    found = run(tmp_path, validate=lambda _: {"score": 0.5}, patience=2)
    assert (found.steps, found.stopped, found.best_step) == (18, "patience", 6)


def test_another_seed_gives_other_weights(tmp_path):
    assert not same_weights(run(tmp_path / "a", seed=1).weights, run(tmp_path / "b", seed=2).weights)


def test_without_a_rate_the_average_stays_where_it_began(tmp_path):
    found = run(tmp_path, rate=0.0, steps=6)
    begun = dict(network().named_parameters())
    for name, weight in begun.items():
        torch.testing.assert_close(found.weights[name], weight.detach())


@pytest.mark.parametrize(
    ("changed", "named"), [({"seed": 5}, "seed was 0, is 5 now"), ({"identity": {"data": "b"}}, "data was None")]
)
def test_the_state_of_another_run_is_refused(tmp_path, changed, named):
    run(tmp_path, steps=6)
    with pytest.raises(OutputError, match=f"holds the state of another run: {named}"):
        run(tmp_path, steps=6, **changed)


def test_the_state_of_another_network_is_refused(tmp_path):
    run(tmp_path, steps=6)
    with pytest.raises(OutputError, match="holds the state of another network; give another folder"):
        fit(TorchNetwork(UNet(base=2, depth=1)), draw, loss, validate, folder=tmp_path, steps=6, batch=2, every=EVERY)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    run(tmp_path, steps=6)
    path = tmp_path / "state-6.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(OutputError, match=r"is not a whole checkpoint \(state-6.safetensors has sha256"):
        run(tmp_path, steps=6)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    with pytest.raises(BackendError, match="the loss is nan at step 1; start anew with a lower rate"):
        fit(network(), draw, lambda scores, _: scores.sum() * float("nan"), validate, folder=tmp_path, steps=2)


def test_a_score_that_is_no_number_ends_the_run(tmp_path):
    with pytest.raises(BackendError, match="validation gave no finite 'score' at step 6"):
        run(tmp_path, validate=lambda _: {"score": float("nan")})


def test_a_device_that_is_not_there_is_refused(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(BackendError, match="torch finds no CUDA device"):
        run(tmp_path, device="cuda")
