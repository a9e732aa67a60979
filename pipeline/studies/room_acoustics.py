"""What a room's impulse response says of the room, over all octave bands and by band.
Conventions (ISO 3382-1; Schroeder 1965):
* The direct sound is sample 0 of a response, and what comes within 2.5 ms of it counts as direct.
* Decay curve: energy still to come, in dB, 0 at the start (backward integration).
* T60: of what comes after the direct sound, so that the direct sound's strength does not count: a
  line fitted to its decay curve from -5 to -35 dB, extrapolated to 60 dB (pyroomacoustics).
* Direct-to-reverberant ratio: energy within 2.5 ms over the energy after, dB. C50: the same at 50
  ms.
* Bands: the octaves from 125 Hz to 4 kHz, and `all` of them in one (88 Hz to 5.7 kHz; below, the
  image source method piles up energy that no violin excites and no ear hears). Butterworth of
  fourth order, run forwards; direct and reverberant parts are parted before.
Nothing here compares two responses sample by sample: a model that is blind to phase leaves a
response's fine structure open.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from pyroomacoustics.experimental import measure_rt60
from scipy.signal import butter, sosfilt

from pipeline.common.units import SAMPLE_RATE

RESPONSE_FILE = "responses.npz"  # of a study's folder
DIRECT = round(0.0025 * SAMPLE_RATE)  # samples
EARLY = round(0.050 * SAMPLE_RATE)
OCTAVES_HZ = (125, 250, 500, 1000, 2000, 4000)  # centres
BROADBAND = "all"
BANDS = (BROADBAND, *map(str, OCTAVES_HZ))  # as tables name them
FIT_DB = 30.0  # the decay that T60 is fitted to, after the first 5 dB
COMPARED_DB = -30.0  # decay curves are compared until the true one is here
FLOOR_DB = -60.0  # of curves that are compared


def read_responses(folder: Path) -> dict[str, np.ndarray]:
    """The responses that a study's folder holds, by name: [samples] each."""
    with np.load(folder / RESPONSE_FILE) as stored:
        return {name: stored[name] for name in stored.files}


def band_filter(band: str) -> Callable[[np.ndarray], np.ndarray]:
    """The filter of a band of BANDS: [samples] -> [samples]."""
    edges = [band_edges(center) for center in (OCTAVES_HZ if band == BROADBAND else (int(band),))]
    low, high = edges[0][0], edges[-1][1]
    sections = butter(4, (low, high), "bandpass", fs=SAMPLE_RATE, output="sos")
    return lambda audio: sosfilt(sections, audio)


def band_edges(center_hz: float) -> tuple[float, float]:
    """An octave band's limits in Hz."""
    return center_hz / np.sqrt(2), center_hz * np.sqrt(2)


def decay_curve(response: np.ndarray) -> np.ndarray:
    """Schroeder's curve of [samples]: [samples] dB, 0 at the start; -inf from where nothing is
    left.
    """
    left = np.cumsum(np.square(response[::-1], dtype=np.float64))[::-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return 10 * np.log10(left / left[0])


def reverberation_time(response: np.ndarray, band: str = BROADBAND) -> float:
    """T60 in seconds of what comes after the direct sound; NaN where nothing comes, or where it
    does not decay by 35 dB.
    """
    late = band_filter(band)(response[DIRECT:].astype(np.float64))
    curve = decay_curve(late)
    # a line needs more than a click
    if np.isnan(curve[0]) or np.sum((curve < -5) & (curve > -5 - FIT_DB)) < DIRECT:
        return np.nan
    return float(measure_rt60(late, SAMPLE_RATE, decay_db=FIT_DB))


def energy_ratio_db(response: np.ndarray, samples: int, band: str = BROADBAND) -> float:
    """Energy of the first `samples` over that of the rest, dB: the direct-to-reverberant ratio with
    DIRECT, C50 with EARLY.

    NaN where nothing comes later.
    """
    keep = band_filter(band)
    early = np.where(np.arange(len(response)) < samples, response, 0.0)
    before, after = (float(np.square(keep(part)).sum()) for part in (early, response - early))
    return 10 * np.log10(before / after) if before and after else np.nan


def decay_distance(true: np.ndarray, response: np.ndarray, band: str = BROADBAND) -> float:
    """Mean |difference| in dB of two decay curves, from the start until the true one is at -30
    dB; below -60 dB counts as -60 dB.
    """
    keep = band_filter(band)
    wanted, curve = (
        np.maximum(decay_curve(keep(each.astype(np.float64))), FLOOR_DB)
        for each in (true, response)
    )
    compared = wanted >= COMPARED_DB
    return float(np.abs(wanted - curve)[compared].mean())


def describe_response(true: np.ndarray, response: np.ndarray, band: str) -> dict[str, float]:
    """Every measure of a response in a band, and its decay curve's distance to the true one's."""
    return {
        "t60_seconds": reverberation_time(response, band),
        "direct_to_reverberant_db": energy_ratio_db(response, DIRECT, band),
        "c50_db": energy_ratio_db(response, EARLY, band),
        "decay_distance_db": decay_distance(true, response, band),
    }


def decaying_noise(response: np.ndarray, seed: int) -> np.ndarray:
    """A response without detail: a direct sound of gain 1, then white noise that decays
    exponentially, as long as `response`.

    It has the T60 and the direct-to-reverberant ratio of `response`; all zeros after the direct
    sound where these are undefined.
    """
    seconds, ratio_db = reverberation_time(response), energy_ratio_db(response, DIRECT)
    noise = np.random.default_rng(seed).normal(size=len(response)) * (
        np.arange(len(response)) >= DIRECT
    )
    like = np.zeros(len(response))
    if np.isfinite(seconds) and seconds > 0 and np.isfinite(ratio_db):
        like = noise * 10 ** (-3 * np.arange(len(response)) / (seconds * SAMPLE_RATE))
        like *= np.sqrt(10 ** (-ratio_db / 10) / np.square(like).sum())
    like[0] = 1.0
    return like.astype(np.float32)
