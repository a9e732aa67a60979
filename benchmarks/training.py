"""Benchmark of the model against the authors' package: speed, memory and phase accuracy; and how
our model scales with the size of its input and with cores. Run `make bench` on an otherwise idle
machine. Contenders take turns, one per repeat, so that a slow minute affects all of them; ratios
compare neighbouring turns.
"""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from benchmarks.comparisons import OURS, REFERENCE, compare, growth, memory
from benchmarks.figures import Figure, Target, machine_figures, summarize, write_report
from benchmarks.measurements import check_writable
from benchmarks.phase import measure_phase
from benchmarks.sizes import DEFAULT, TAPS, Size, solo_name, write_params
from benchmarks.workers import (
    build_reference,
    compile_own,
    own_contender,
    reference_contender,
    take_turns,
)
from pipeline.common.cli import UserError, progress, run_stage
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE
from pipeline.training.config import TrainConfig

BFLOAT16 = f"{OURS}, mixed_bfloat16"
NOT_SLOWER = Target(at_least=0.9)
TEN_TIMES = Target(at_least=10)
WHOLE_STEP = Target(at_least=2.3, stretch=3)
WHOLE_STEP_BFLOAT16 = Target(at_least=3.2, stretch=4)
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
TWO_THREADS = {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2"}
Count = Annotated[int, typer.Option(min=1)]
Seconds = Annotated[float, typer.Option(min=0.01)]


def main(
    out: Path,
    batch: Count = 4,
    seconds: Seconds = 4.0,
    units: Count = 512,
    repeats: Count = 5,
    least: Seconds = 0.5,
    largest: Count = 16,
    params: Path = Path("params.yaml"),
) -> None:
    """Write the CSV file OUT and a Markdown file of the same name. LARGEST is both the longest
    example in seconds and the largest batch.
    """
    if out.suffix == ".md":
        raise UserError(f"{out}: the Markdown file would replace it; name a CSV file")
    check_writable(out)
    size = Size(batch, seconds, units, repeats, least, largest)
    machine = machine_figures()
    build_reference()
    compile_own()
    with TemporaryDirectory(prefix="bench-") as name:
        settings = write_params(params, Path(name) / "params.yaml", size)
        parts = (
            measure_steps,
            measure_processors,
            measure_resynthesis,
            measure_phase,
            measure_growth,
            measure_default_step,
        )
        figures = [
            figure
            for part in progress(parts, "benchmark", unit="part")
            for figure in part(size, settings)
        ]
    write_report(out, machine + figures)
    columns = ["benchmark", "setting", "value", "unit", "target", "met"]
    print(pd.DataFrame(figures)[columns].to_string(index=False))


def measure_steps(size: Size, params: Path) -> list[Figure]:
    """Measure the training step of the solo instrument: its time and the memory of its process."""
    rows = []
    for harmonics, taps in TAPS.items():
        request = size.request(
            "step",
            harmonics=harmonics,
            taps=taps,
            params=str(params),
            experiment=solo_name(harmonics),
        )
        bfloat16_request = request | {"experiment": f"{solo_name(harmonics)}_bfloat16"}
        contenders = {
            REFERENCE: reference_contender(request),
            OURS: own_contender(request),
            BFLOAT16: own_contender(bfloat16_request),
        }
        timings = take_turns(contenders, size.repeats, size.least)
        setting = f"{harmonics} harmonics"
        targets = {OURS: WHOLE_STEP, BFLOAT16: bfloat16_target()}
        rows += compare("training step", setting, timings, targets)
        rows += memory(setting, timings)
    return rows


def bfloat16_target() -> Target:
    """Return the target for bfloat16, which applies only to CPUs that compute with it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and "bf16" in cpuinfo.read_text():
        return WHOLE_STEP_BFLOAT16
    return WHOLE_STEP_BFLOAT16._replace(
        applies=False, remark="this CPU has no bfloat16 instructions"
    )


def measure_processors(size: Size, params: Path) -> list[Figure]:
    """Measure synthesizers, reverb and loss separately, forward and with gradient."""
    harmonic = {
        f"harmonic synthesizer, {count}": ("harmonic", {"harmonics": count}, TEN_TIMES)
        for count in TAPS
    }
    others = {
        "filtered noise": ("filtered_noise", {}, NOT_SLOWER),
        "reverb": ("reverb", {"taps": TAPS[60]}, NOT_SLOWER),
        "spectral loss": ("loss", {}, NOT_SLOWER),
    }
    rows = []
    for name, (case, values, target) in (harmonic | others).items():
        for setting, gradient in (("forward", False), ("forward and gradient", True)):
            request = size.request(case, gradient=gradient, **values)
            timings = take_turns(
                {REFERENCE: reference_contender(request), OURS: own_contender(request)},
                size.repeats,
                size.least,
            )
            rows += compare(name, setting, timings, {OURS: target})
    return rows


def measure_resynthesis(size: Size, params: Path) -> list[Figure]:
    """Measure the solo instrument's forward pass on one example."""
    rows = []
    for harmonics, taps in TAPS.items():
        request = size._replace(batch=1).request(
            "resynthesis",
            harmonics=harmonics,
            taps=taps,
            params=str(params),
            experiment=solo_name(harmonics),
        )
        timings = take_turns(
            {REFERENCE: reference_contender(request), OURS: own_contender(request)},
            size.repeats,
            size.least,
        )
        rows += compare(
            "resynthesis, batch 1", f"{harmonics} harmonics", timings, {OURS: NOT_SLOWER}
        )
        factors = {
            name: np.divide(size.seconds, timing.seconds) for name, timing in timings.items()
        }
        rows += [
            summarize(
                "resynthesis, batch 1",
                f"{harmonics} harmonics: {name}, real-time factor",
                factor,
                "s audio / s",
            )
            for name, factor in factors.items()
        ]
    return rows


def measure_growth(size: Size, params: Path) -> list[Figure]:
    """Measure our cost per second of audio, forward and gradient, for longer examples and for
    larger batches.
    """
    numbers = [2**power for power in range(size.largest.bit_length())]
    rows = []
    for case, values in (
        ("harmonic", {"harmonics": max(TAPS)}),
        ("filtered_noise", {}),
        ("loss", {}),
    ):
        for quantity, unit, label in (
            ("seconds", "s", "longer examples"),
            ("batch", "examples", "larger batches"),
        ):
            requests = {
                f"{number} {unit}": size.request(case, gradient=True, **values) | {quantity: number}
                for number in numbers
            }
            timings = take_turns(
                {name: own_contender(request) for name, request in requests.items()},
                size.repeats,
                size.least,
            )
            audio = {
                name: request["seconds"] * request["batch"] for name, request in requests.items()
            }
            costs = {name: np.divide(timings[name].seconds, audio[name]) for name in requests}
            rows += growth(f"cost per second of audio, {case}", costs, label)
    return rows


def measure_default_step(size: Size, params: Path) -> list[Figure]:
    """Measure the default experiment's training step on one thread, on two threads, in two
    processes and in bfloat16.
    """
    config = Settings.read(params).section("train", TrainConfig, DEFAULT)
    seconds = round(config.crop_seconds * FRAME_RATE) / FRAME_RATE
    request = {
        "case": "step",
        "batch": config.batch_size,
        "seconds": seconds,
        "params": str(params),
        "experiment": DEFAULT,
    }
    contenders = {
        "1 thread": own_contender(request, ONE_THREAD),
        "2 threads": own_contender(request, TWO_THREADS),
        "1 intra-op, 2 inter-op threads": own_contender(
            request, ONE_THREAD | {"TF_NUM_INTEROP_THREADS": "2"}
        ),
        "2 processes of 1 thread": own_contender(request, ONE_THREAD, processes=2),
        "default": own_contender(request),
        "default, mixed_bfloat16": own_contender(request | {"experiment": f"{DEFAULT}_bfloat16"}),
    }
    timings = take_turns(contenders, size.repeats, size.least)
    name = f"step of `{DEFAULT}`"
    rows = [
        summarize(
            name, f"{key}: steps", np.divide(1, timing.seconds), "1 / s", f"{os.cpu_count()} cores"
        )
        for key, timing in timings.items()
    ]
    pairs = [(key, "1 thread") for key in list(contenders)[1:4]]
    pairs.append(("default, mixed_bfloat16", "default"))
    return rows + [
        summarize(
            name,
            f"{one} / {other}",
            np.divide(timings[other].seconds, timings[one].seconds),
            "times as fast",
        )
        for one, other in pairs
    ]


if __name__ == "__main__":
    run_stage(main)
