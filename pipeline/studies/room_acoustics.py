"""Room acoustic measures of an impulse response, over all octave bands and by band.

Conventions (ISO 3382-1; Schroeder 1965):
* The direct sound is at sample 0 of a response; the first 2.5 ms count as direct.
* Decay curve: the energy still to come, in dB, 0 at the start (backward integration).
* T60: a line fitted to the decay curve from -5 to -35 dB and extrapolated to 60 dB
  (pyroomacoustics). The curve starts after the direct sound, whose strength must not count.
* Direct-to-reverberant ratio: energy within 2.5 ms over the energy after it, dB. C50: the same at
  50 ms.
* Bands: the octaves from 125 Hz to 4 kHz, and `all`, which covers them together (88 Hz to 5.7 kHz;
  below, the image source method accumulates energy that no violin excites and nobody hears). The
  filters are fourth-order Butterworth, run forwards, applied after direct and reverberant parts are
  separated.

No measure compares two responses sample by sample: a model blind to phase does not determine a
response's fine structure.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pyroomacoustics.experimental import measure_rt60
from scipy.signal import butter, sosfilt

from pipeline.common.units import SAMPLE_RATE

RESPONSE_FILE = "responses.npz"  # in a study's folder
DIRECT = round(0.0025 * SAMPLE_RATE)  # samples
EARLY = round(0.050 * SAMPLE_RATE)  # samples
OCTAVES_HZ = (125, 250, 500, 1000, 2000, 4000)  # band centres
BROADBAND = "all"
BANDS = (BROADBAND, *map(str, OCTAVES_HZ))  # as tables name them
FIT_DB = 30.0  # T60 is fitted to a decay of this size, after the first 5 dB
COMPARED_DB = -30.0  # decay curves are compared until the true one falls to this level
FLOOR_DB = -60.0  # compared decay curves are clipped here


def read_responses(folder: Path) -> dict[str, np.ndarray]:
    """Read the responses in a study's folder, by name: [samples] each."""
    with np.load(folder / RESPONSE_FILE) as stored:
        return {name: stored[name] for name in stored.files}


def band_filter(band: str) -> Callable[[np.ndarray], np.ndarray]:
    """Return the filter of a band of BANDS: [samples] -> [samples]."""
    centers = OCTAVES_HZ if band == BROADBAND else (int(band),)
    low, _ = band_edges(centers[0])
    _, high = band_edges(centers[-1])
    sections = butter(4, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
    return lambda audio: sosfilt(sections, audio)


def band_edges(center_hz: float) -> tuple[float, float]:
    """Return an octave band's limits in Hz."""
    return center_hz / np.sqrt(2), center_hz * np.sqrt(2)


def decay_curve(response: np.ndarray) -> np.ndarray:
    """Integrate a response's energy backwards (Schroeder): [samples] -> [samples] dB.

    0 at the start; -inf once no energy is left.
    """
    left = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(left / left[0])


def reverberation_time(response: np.ndarray, band: str = BROADBAND) -> float:
    """Return the T60 of the response after the direct sound, in seconds.

    NaN if it is silent or does not decay by 35 dB.
    """
    late = band_filter(band)(response[DIRECT:].astype(np.float64))
    curve = decay_curve(late)
    # A click decays too fast for a line to be fitted.
    if np.isnan(curve[0]) or np.sum((curve < -5) & (curve > -5 - FIT_DB)) < DIRECT:
        return np.nan
    return float(measure_rt60(late, SAMPLE_RATE, decay_db=FIT_DB))


def energy_ratio_db(response: np.ndarray, samples: int, band: str = BROADBAND) -> float:
    """Return the energy of the first `samples` over that of the rest, dB.

    This is the direct-to-reverberant ratio for DIRECT, and C50 for EARLY. NaN if either part is
    silent.
    """
    keep = band_filter(band)
    early = np.where(np.arange(len(response)) < samples, response, 0.0)
    early_energy = float(np.square(keep(early)).sum())
    late_energy = float(np.square(keep(response - early)).sum())
    if not (early_energy and late_energy):
        return np.nan
    return 10 * np.log10(early_energy / late_energy)


def decay_distance(true: np.ndarray, response: np.ndarray, band: str = BROADBAND) -> float:
    """Return the mean |difference| of two decay curves, dB.

    They are compared from the start until the true one falls to -30 dB; levels below -60 dB count
    as -60 dB.
    """
    keep = band_filter(band)
    true_db, response_db = (
        np.maximum(decay_curve(keep(samples.astype(np.float64))), FLOOR_DB)
        for samples in (true, response)
    )
    compared = true_db >= COMPARED_DB
    return float(np.abs(true_db - response_db)[compared].mean())


def describe_response(true: np.ndarray, response: np.ndarray, band: str) -> dict[str, float]:
    """Return every measure of a response in a band; the last compares it with the true response."""
    return {
        "t60_seconds": reverberation_time(response, band),
        "direct_to_reverberant_db": energy_ratio_db(response, DIRECT, band),
        "c50_db": energy_ratio_db(response, EARLY, band),
        "decay_distance_db": decay_distance(true, response, band),
    }


def decaying_noise(response: np.ndarray, seed: int) -> np.ndarray:
    """Make a response without detail: a direct sound of gain 1, then decaying white noise.

    It has the length, the T60 and the direct-to-reverberant ratio of `response`. If either measure
    is undefined, it is silent after the direct sound.
    """
    seconds = reverberation_time(response)
    ratio_db = energy_ratio_db(response, DIRECT)
    noise = np.random.default_rng(seed).normal(size=len(response)) * (
        np.arange(len(response)) >= DIRECT
    )
    decaying = np.zeros(len(response))
    if np.isfinite(seconds) and seconds > 0 and np.isfinite(ratio_db):
        decaying = noise * 10 ** (-3 * np.arange(len(response)) / (seconds * SAMPLE_RATE))
        decaying *= np.sqrt(10 ** (-ratio_db / 10) / np.square(decaying).sum())
    decaying[0] = 1.0
    return decaying.astype(np.float32)
