"""Phase accuracy of the harmonic synthesizers at the end of an example."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.comparisons import OURS, REFERENCE
from benchmarks.figures import Figure, Target, summarize
from benchmarks.sizes import TAPS, Size
from benchmarks.workers import Contender, own_contender, reference_contender, take_turns
from pipeline.common.units import HOP, SAMPLE_RATE

LOWEST_F0 = 70.0  # Hz; keeps all harmonics below Nyquist
END_SECONDS = 0.1  # the part of an example that is compared
ANGULAR = f"{REFERENCE}, use_angular_cumsum"  # an option, off in the package's solo_instrument.gin


def measure_phase(size: Size, params: Path) -> list[Figure]:
    """Measure the error of the float32 harmonic synthesizers against float64 at the end of an
    example, relative to the peak.
    """
    request = size._replace(batch=1).request("phase", harmonics=max(TAPS), f0_hz=LOWEST_F0)
    note = (
        f"{max(TAPS)} equal harmonics of a vibrato at {LOWEST_F0:g} Hz, the last "
        f"{END_SECONDS:g} s of {size.seconds:g}"
    )
    rows = []
    with TemporaryDirectory(prefix="bench-") as folder:
        for name, worker, target in (
            (REFERENCE, reference_contender, None),
            (ANGULAR, reference_contender, None),
            (OURS, own_contender, Target(at_most=0.005)),
        ):
            file = Path(folder) / f"{name}.npy"
            contender = worker(request | {"out": str(file), "angular": name == ANGULAR})
            error = run_phase(contender, name, file, size.least)
            rows.append(summarize("phase error", name, [error], "of peak", note, target))
    return rows


def run_phase(contender: Contender, name: str, file: Path, least: float) -> float:
    """Let a contender write its audio and f0; return the phase error."""
    take_turns({name: contender}, 1, least)
    return phase_error(np.load(file), np.load(f"{file}.f0.npy"), max(TAPS))


def phase_error(audio: np.ndarray, f0_hz: np.ndarray, harmonics: int) -> float:
    """Compute the largest error of a sum of equal harmonics at the end of the audio.

    Args:
        audio: [samples]
        f0_hz: [frames]
        harmonics: their number.

    Returns:
        The largest difference from a float64 synthesis, relative to its peak.
    """
    per_sample = np.interp(
        np.arange(len(audio)) / HOP, np.arange(len(f0_hz)), f0_hz.astype(np.float64)
    )
    # without the last frames, whose envelope is a matter of convention
    end = slice(-round(END_SECONDS * SAMPLE_RATE), -2 * HOP)
    cycles = (np.cumsum(per_sample / SAMPLE_RATE) % 1)[end]
    exact = np.mean(
        [np.sin(2 * np.pi * number * cycles) for number in range(1, harmonics + 1)], axis=0
    )
    return float(np.abs(audio[end] - exact).max() / np.abs(exact).max())
