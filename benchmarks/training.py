"""Measures the model beside the authors' package: speed, memory and phase accuracy, and how ours
grows and uses cores. `make bench`, on an otherwise idle machine. What is compared takes turns, once
per repeat, so that a slow minute hits all alike; ratios are of neighbouring turns.
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
from benchmarks.sizes import DEFAULT, TAPS, Size, solo_name, write_params
from benchmarks.workers import Contender, build_reference, compile_own, take_turns
from pipeline.common.cli import UserError, progress, run_stage
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE, HOP, SAMPLE_RATE
from pipeline.training.experiment import TrainConfig

BFLOAT16 = f"{OURS}, mixed_bfloat16"
NOT_SLOWER, TEN_TIMES = Target(at_least=0.9), Target(at_least=10)
WHOLE_STEP, WHOLE_STEP_BFLOAT16 = Target(at_least=2.3, stretch=3), Target(at_least=3.2, stretch=4)
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
TWO_THREADS = {"TF_NUM_INTRAOP_THREADS": "2", "TF_NUM_INTEROP_THREADS": "2"}
# of the phase measurement: all harmonics below Nyquist; the end that is compared
LOWEST_F0, END_SECONDS = 70.0, 0.1
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
    """Writes the CSV OUT and a Markdown table beside it. LARGEST is the longest example in
    seconds and the largest batch.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.touch()  # before minutes of work; a former file stays as it is
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}); name another file") from None
    size, machine = Size(batch, seconds, units, repeats, least, largest), machine_figures()
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
    print(
        pd.DataFrame(figures)[["benchmark", "setting", "value", "unit", "target", "met"]].to_string(
            index=False
        )
    )


def theirs(request: dict) -> Contender:
    """The authors' package."""
    return Contender("benchmarks.reference_worker", request)


def own(request: dict, environment: dict[str, str] | None = None, processes: int = 1) -> Contender:
    """This project."""
    return Contender("benchmarks.own_worker", request, environment or {}, processes)


def measure_steps(size: Size, params: Path) -> list[Figure]:
    """The whole training step of the solo instrument, and the memory of a process that does it."""
    rows = []
    for harmonics, taps in TAPS.items():
        request = size.request(
            "step",
            harmonics=harmonics,
            taps=taps,
            params=str(params),
            experiment=solo_name(harmonics),
        )
        low = request | {"experiment": f"{solo_name(harmonics)}_bfloat16"}
        contenders = {REFERENCE: theirs(request), OURS: own(request), BFLOAT16: own(low)}
        timings = take_turns(contenders, size.repeats, size.least)
        setting, targets = f"{harmonics} harmonics", {OURS: WHOLE_STEP, BFLOAT16: bfloat16_target()}
        rows += compare("training step", setting, timings, targets)
        rows += memory(setting, timings)
    return rows


def bfloat16_target() -> Target:
    """What is asked of bfloat16, where the CPU computes with it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and "bf16" in cpuinfo.read_text():
        return WHOLE_STEP_BFLOAT16
    return WHOLE_STEP_BFLOAT16._replace(
        applies=False, remark="this CPU has no bfloat16 instructions"
    )


def measure_processors(size: Size, params: Path) -> list[Figure]:
    """Synthesizers, reverb and loss on their own, forward and forward with gradient."""
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
        for way, gradient in (("forward", False), ("forward and gradient", True)):
            request = size.request(case, gradient=gradient, **values)
            timings = take_turns(
                {REFERENCE: theirs(request), OURS: own(request)}, size.repeats, size.least
            )
            rows += compare(name, way, timings, {OURS: target})
    return rows


def measure_resynthesis(size: Size, params: Path) -> list[Figure]:
    """The solo instrument's forward pass on one example."""
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
            {REFERENCE: theirs(request), OURS: own(request)}, size.repeats, size.least
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


def measure_phase(size: Size, params: Path) -> list[Figure]:
    """How far the float32 harmonic synthesizers are from float64 at the end of an example, as a
    share of the peak.
    """
    what = (
        f"{max(TAPS)} equal harmonics of a vibrato at {LOWEST_F0:g} Hz, the last "
        f"{END_SECONDS:g} s of {size.seconds:g}"
    )
    rows = []
    with TemporaryDirectory(prefix="bench-") as name:
        request = size._replace(batch=1).request("phase", harmonics=max(TAPS), f0_hz=LOWEST_F0)
        # an option of the package, off in its solo_instrument.gin
        angular = f"{REFERENCE}, use_angular_cumsum"
        for contender, worker, target in (
            (REFERENCE, theirs, None),
            (angular, theirs, None),
            (OURS, own, Target(at_most=0.005)),
        ):
            file = Path(name) / f"{contender}.npy"
            take_turns(
                {contender: worker(request | {"out": str(file), "angular": contender == angular})},
                1,
                size.least,
            )
            error = phase_error(np.load(file), np.load(f"{file}.f0.npy"), max(TAPS))
            rows.append(summarize("phase error", contender, [error], "of peak", what, target))
    return rows


def phase_error(audio: np.ndarray, f0_hz: np.ndarray, harmonics: int) -> float:
    """Largest difference from equal harmonics of f0 in float64, over the end of the audio, as a
    share of their peak.
    """
    per_sample = np.interp(
        np.arange(len(audio)) / HOP, np.arange(len(f0_hz)), f0_hz.astype(np.float64)
    )
    # the last frame's envelope is a matter of convention
    end = slice(-round(END_SECONDS * SAMPLE_RATE), -2 * HOP)
    cycles = (np.cumsum(per_sample / SAMPLE_RATE) % 1)[end]
    exact = np.mean(
        [np.sin(2 * np.pi * number * cycles) for number in range(1, harmonics + 1)], axis=0
    )
    return float(np.abs(audio[end] - exact).max() / np.abs(exact).max())


def measure_growth(size: Size, params: Path) -> list[Figure]:
    """Our cost per second of audio, forward and gradient, for longer examples and for larger
    batches.
    """
    numbers, rows = [2**power for power in range(size.largest.bit_length())], []
    for case, values in (
        ("harmonic", {"harmonics": max(TAPS)}),
        ("filtered_noise", {}),
        ("loss", {}),
    ):
        for what, unit, larger in (
            ("seconds", "s", "longer examples"),
            ("batch", "examples", "larger batches"),
        ):
            requests = {
                f"{number} {unit}": size.request(case, gradient=True, **values) | {what: number}
                for number in numbers
            }
            timings = take_turns(
                {name: own(request) for name, request in requests.items()}, size.repeats, size.least
            )
            audio = {
                name: request["seconds"] * request["batch"] for name, request in requests.items()
            }
            costs = {name: np.divide(timings[name].seconds, audio[name]) for name in requests}
            rows += growth(f"cost per second of audio, {case}", costs, larger)
    return rows


def measure_default_step(size: Size, params: Path) -> list[Figure]:
    """The step of the default experiment: on one thread, on two, in two processes, and in
    bfloat16.
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
        "1 thread": own(request, ONE_THREAD),
        "2 threads": own(request, TWO_THREADS),
        "1 intra-op, 2 inter-op threads": own(
            request, ONE_THREAD | {"TF_NUM_INTEROP_THREADS": "2"}
        ),
        "2 processes of 1 thread": own(request, ONE_THREAD, processes=2),
        "default": own(request),
        "default, mixed_bfloat16": own(request | {"experiment": f"{DEFAULT}_bfloat16"}),
    }
    timings = take_turns(contenders, size.repeats, size.least)
    name = f"step of `{DEFAULT}`"
    rows = [
        summarize(
            name, f"{key}: steps", np.divide(1, timing.seconds), "1 / s", f"{os.cpu_count()} cores"
        )
        for key, timing in timings.items()
    ]
    pairs = [(key, "1 thread") for key in list(contenders)[1:4]] + [
        ("default, mixed_bfloat16", "default")
    ]
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
