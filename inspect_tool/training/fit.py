"""Fit a network: the same run gives the same weights, also when it was killed on the way and started again.

Everything random hangs on (seed, step, number of the sample in its batch), never on what was drawn before, so
that a run that picks up at step 1200 draws what the uninterrupted run drew. A checkpoint holds the weights, their
moving average, the best average so far, the moments of the optimizer and the history: tensors as safetensors, the
rest as JSON.
"""

import csv
import io
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from inspect_tool.errors import BackendError, OutputError
from inspect_tool.files import plain, sha256_file, whole_file, write_text
from inspect_tool.segmentation.networks.runtime import Device, bf16_is_native

Sample = tuple[NDArray[np.float32], NDArray[Any]]
Draw = Callable[[np.random.Generator], Sample]
Loss = Callable[[Any, Tensor], Tensor]
Validate = Callable[[nn.Module], Mapping[str, float]]
Report = Callable[[int, int, Mapping[str, float]], None]

STATE = "state.json"
LOG = "log.csv"
WARM_UP = 0.03  # share of the steps in which the rate rises
LOWEST_RATE = 0.01  # of the highest, at the end of the cosine
LARGEST_GRADIENT = 1.0  # norm over all parameters


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What a run gave.

    Attributes
    ----------
    weights : dict of str to Tensor
        Moving average of the weights at the validation with the highest score: a state dict, on the CPU, float32.
    best_step, score
        Step of that validation, and its score.
    scores : Mapping
        Everything that validation gave.
    history : tuple of Mapping
        One entry per validation: ``step``, ``loss`` (mean since the one before), the scores, ``seconds``.
    steps : int
        Steps made, fewer than asked for when patience ran out.
    seconds : float
        Time spent, without the time between a kill and the next start.
    stopped : {"steps", "patience"}
        Why it ended.
    """

    weights: dict[str, Tensor]
    best_step: int
    score: float
    scores: Mapping[str, float]
    history: tuple[Mapping[str, float], ...]
    steps: int
    seconds: float
    stopped: Literal["steps", "patience"]


def fit(
    network: nn.Module,
    draw: Draw,
    loss: Loss,
    validate: Validate,
    *,
    folder: Path,
    steps: int,
    batch: int = 8,
    seed: int = 0,
    rate: float = 1e-3,
    every: int = 200,
    patience: int | None = None,
    wd: float = 1e-4,
    ema: float = 0.998,
    device: Device = "auto",
    identity: Mapping[str, object] | None = None,
    report: Report | None = None,
) -> Fitted:
    """Train with AdamW on a cosine schedule; validate and keep the moving average of the weights.

    Parameters
    ----------
    network : nn.Module
        Starts from the weights it has. It is trained in place; the weights to keep are in what is returned.
    draw : callable
        ``draw(rng) -> (image (c, h, w) float32, target)``: one augmented sample. It must take everything random from
        ``rng`` and must not change anything it shares with ``validate``: a thread draws while the network learns.
    loss : callable
        ``loss(output of the network, stacked targets) -> Tensor ()``. The output may be bfloat16.
    validate : callable
        ``validate(network) -> {"score": ..., ...}``; higher is better. The network is the moving average in ``eval``
        mode, on the device, under ``inference_mode`` and autocast: make its output ``float()`` before comparing.
    folder : Path
        For ``log.csv`` and the checkpoint. A checkpoint of the same run there is picked up.
    steps, batch : int
        Steps of the optimizer, and samples in each.
    seed : int
        Of everything that is drawn. The network is made by the caller: seed torch before making it.
    rate : float
        Highest learning rate.
    every : int
        Steps between validations; each writes a checkpoint.
    patience : int, optional
        Stop after so many validations without a better score.
    wd, ema : float
        Weight decay, and decay of the moving average (less in the first steps).
    device : {"auto", "cpu", "cuda"}
        "auto" is a GPU where there is one.
    identity : Mapping, optional
        What else makes a run this run (hashes of its data, say); part of the checkpoint.
    report : callable, optional
        ``report(step, steps, values)`` after each step (``{"loss": ...}``) and validation (an entry of the history).

    Returns
    -------
    Fitted

    Raises
    ------
    OutputError
        The folder holds the state of another run, or cannot be written.
    BackendError
        The loss is no finite number.
    """
    place = _device(device)
    this = plain({"steps": steps, "batch": batch, "seed": seed, "rate": rate, "every": every, "patience": patience})
    this |= plain({"wd": wd, "ema": ema, **(identity or {})})
    layout = torch.channels_last
    network.to(device=place, memory_format=layout)  # type: ignore[call-overload]  # stub lacks memory_format
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=wd)
    average = deepcopy(network).eval().requires_grad_(False)
    state = _State(folder, this)
    state.restore(network, average, optimizer)
    started = time.monotonic() - state.seconds
    total, counted = 0.0, 0

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="draw") as pool:
        ahead: Future[tuple[Tensor, Tensor]] | None = None
        while state.step < steps and not _out_of_patience(state, patience):
            step = state.step
            image, target = ahead.result() if ahead is not None else _drawn(draw, seed, step, batch)
            ahead = pool.submit(_drawn, draw, seed, step + 1, batch) if step + 1 < steps else None
            torch.manual_seed(_number(seed, step))  # for a network that draws something itself (dropout)
            for group in optimizer.param_groups:
                group["lr"] = rate * _schedule(step, steps)
            network.train()
            optimizer.zero_grad(set_to_none=True)
            with _autocast(place):
                output = network(image.to(place, memory_format=layout))
                value = loss(output, target.to(place))
            found = float(value.detach())
            if not math.isfinite(found):
                msg = f"{folder}: the loss is {found} at step {step + 1}; start anew with a lower rate than {rate:g}"
                raise BackendError(msg)
            value.backward()  # type: ignore[no-untyped-call]  # torch has no types here
            torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
            optimizer.step()
            _follow(average, network, min(ema, (1 + step) / (10 + step)))
            state.step = step + 1
            total, counted = total + found, counted + 1
            if report is not None:
                report(state.step, steps, {"loss": found})
            if state.step % every == 0 or state.step == steps:
                scores = judged(average, validate)
                entry = {"step": state.step, "loss": total / counted, **scores}
                entry["seconds"] = round(time.monotonic() - started, 2)
                total, counted = 0.0, 0
                state.note({key: float(number) for key, number in entry.items()}, average)
                state.save(network, average, optimizer)
                if report is not None:
                    report(state.step, steps, state.history[-1])
    return state.fitted(steps)


def judged(network: nn.Module, validate: Validate) -> dict[str, float]:
    """Validate a network on the device where it is, as ``fit`` does."""
    with torch.inference_mode(), _autocast(next(network.parameters()).device):
        return dict(validate(network.eval()))


# ------------------------------------------------------------------------------------------------ one step


def _drawn(draw: Draw, seed: int, step: int, batch: int) -> tuple[Tensor, Tensor]:
    """Samples of one step; which ones hangs on nothing but the arguments."""
    samples = [draw(np.random.default_rng((seed, step, number))) for number in range(batch)]
    images = np.stack([np.asarray(image, np.float32) for image, _ in samples])
    targets = np.stack([target for _, target in samples])
    return torch.from_numpy(images), torch.from_numpy(targets)


def _number(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1)[0])


def _schedule(step: int, steps: int) -> float:
    """Share of the highest rate: a short rise, then half a cosine.

    >>> [round(_schedule(step, 100), 3) for step in (0, 2, 3, 51, 99)]
    [0.333, 1.0, 1.0, 0.513, 0.01]
    """
    rise = max(1, round(WARM_UP * steps))
    if step < rise:
        return (step + 1) / rise
    share = (step - rise) / max(1, steps - rise)
    return LOWEST_RATE + (1 - LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * share))


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the averaged weights, and the statistics of batch normalization, toward those of the network."""
    theirs = network.state_dict()
    for name, mine in average.state_dict().items():
        if mine.is_floating_point():
            mine.lerp_(theirs[name].to(mine.dtype), 1 - decay)
        else:
            mine.copy_(theirs[name])


def _device(device: Device) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cuda" and not torch.cuda.is_available():
        msg = 'device = "cuda": torch finds no CUDA device; use "cpu" or "auto"'
        raise BackendError(msg)
    return torch.device(device)


@contextmanager
def _autocast(place: torch.device) -> Iterator[None]:
    """Compute in bfloat16 where the processor has it; without, it would only be slow."""
    able = torch.cuda.is_bf16_supported() if place.type == "cuda" else bf16_is_native()
    with torch.autocast(place.type, dtype=torch.bfloat16, enabled=able):
        yield


# ---------------------------------------------------------------------------------------------- checkpoint


def clear(folder: Path) -> None:
    """Remove the checkpoint and the log of a run that is done, and their folder when it holds nothing else."""
    for path in (folder / STATE, folder / LOG, *folder.glob("state-*.safetensors*")):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        folder.rmdir()


class _State:
    """Where a run stands, on disk and in memory.

    The JSON file names the file of tensors it belongs to and is replaced last: a kill at any moment leaves either
    the old pair or the new one.
    """

    def __init__(self, folder: Path, run: Mapping[str, object]):
        self.folder = folder
        self.run = dict(run)
        self.step = 0
        self.history: list[dict[str, float]] = []
        self.best: dict[str, Tensor] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"{folder}: cannot be written: {error.strerror}; choose another folder"
            raise OutputError(msg) from None

    @property
    def seconds(self) -> float:
        return self.history[-1]["seconds"] if self.history else 0.0

    def restore(self, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Load the checkpoint of this run, if there is one."""
        path = self.folder / STATE
        if not path.exists():
            return
        try:
            data = json.loads(path.read_bytes())
            run, step, history = data["run"], int(data["step"]), list(data["history"])
            tensors = self._tensors(str(data["tensors"]), str(data["sha256"]))
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            msg = f"{path}: is not a whole checkpoint ({error}); remove {self.folder} to start anew"
            raise OutputError(msg) from None
        self._same_run(run)
        try:
            network.load_state_dict(_under(tensors, "network."))
            average.load_state_dict(_under(tensors, "average."))
        except RuntimeError:
            msg = f"{path}: holds the state of another network; give another folder, or remove this one"
            raise OutputError(msg) from None
        for name, parameter in network.named_parameters():
            moments = _under(tensors, f"optimizer.{name}:")
            if moments:  # a frozen parameter has none
                optimizer.state[parameter] = {
                    key: value.clone() if key == "step" else value.to(parameter.device)
                    for key, value in moments.items()
                }
        self.best = _under(tensors, "best.")
        self.step, self.history = step, history
        self._write_log()

    def _same_run(self, run: Mapping[str, object]) -> None:
        for key in sorted({*run, *self.run}):
            if run.get(key) != self.run.get(key):
                was, now = _short(run.get(key)), _short(self.run.get(key))
                msg = (
                    f"{self.folder}: holds the state of another run: {key} was {was}, is {now} now; "
                    "give another folder, or remove this one"
                )
                raise OutputError(msg)

    def _tensors(self, name: str, sha256: str) -> dict[str, Tensor]:
        path = self.folder / name
        found = sha256_file(path)
        if found != sha256:
            msg = f"{name} has sha256 {found[:12]}..., should have {sha256[:12]}..."
            raise ValueError(msg)
        return load_file(path)

    def note(self, entry: dict[str, float], average: nn.Module) -> None:
        """Take up a validation; keep the weights when none was better."""
        if "score" not in entry or not math.isfinite(entry["score"]):
            msg = f"{self.folder}: validation gave no finite 'score' at step {self.step}: {entry}"
            raise BackendError(msg)
        if not self.history or entry["score"] > max(item["score"] for item in self.history):
            self.best = _on_cpu(average.state_dict())
        self.history.append(entry)

    def save(self, network: nn.Module, average: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Write the checkpoint and the log."""
        tensors = {f"network.{name}": value for name, value in _on_cpu(network.state_dict()).items()}
        tensors |= {f"average.{name}": value for name, value in _on_cpu(average.state_dict()).items()}
        tensors |= {f"best.{name}": value for name, value in self.best.items()}
        for name, parameter in network.named_parameters():
            moments = _on_cpu(optimizer.state.get(parameter, {}))
            tensors |= {f"optimizer.{name}:{key}": value for key, value in moments.items()}
        path = self.folder / f"state-{self.step}.safetensors"
        try:
            partial = path.with_name(path.name + ".partial")  # a step that is fitted again writes over what was left
            with whole_file(path, lambda place: save_file(tensors, place), temporary=partial) as made:
                made.replace(path)
            data = {"run": self.run, "step": self.step, "tensors": path.name, "sha256": sha256_file(path)}
            write_text(self.folder / STATE, json.dumps({**data, "history": self.history}, indent=1) + "\n")
            for old in self.folder.glob("state-*.safetensors*"):
                if old != path:
                    old.unlink()
            self._write_log()
        except (OSError, SafetensorError) as error:
            msg = f"{path}: cannot be written: {error}; the checkpoint before it still stands"
            raise OutputError(msg) from None

    def _write_log(self) -> None:
        """The log is the history: it never has a line of a step that the checkpoint does not know."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, fieldnames=list(self.history[0]), restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.6g}" for key, value in entry.items()} for entry in self.history)
        write_text(self.folder / LOG, text.getvalue())

    def fitted(self, steps: int) -> Fitted:
        best = max(self.history, key=lambda entry: entry["score"])  # the first of equals
        return Fitted(
            weights=self.best,
            best_step=int(best["step"]),
            score=best["score"],
            scores={key: value for key, value in best.items() if key not in ("step", "loss", "seconds")},
            history=tuple(self.history),
            steps=self.step,
            seconds=self.seconds,
            stopped="steps" if self.step == steps else "patience",
        )


def _out_of_patience(state: _State, patience: int | None) -> bool:
    if patience is None or not state.history:
        return False
    scores = [entry["score"] for entry in state.history]
    return len(scores) - 1 - scores.index(max(scores)) >= patience


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
