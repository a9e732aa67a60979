"""The audit's own NumPy versions of loudness, spectral loss, f0 distance and energy ratios."""

import numpy as np
from scipy.signal import butter, sosfilt

RATE = 16000
FFT_SIZES = (2048, 1024, 512, 256, 128, 64)
HOP = 64  # samples between two loudness values
WINDOW = 2048  # samples of a loudness frame
CONFIDENT = 0.85  # CREPE's confidence from which a frame has a pitch
SOUNDING = -70.0  # dB above which a frame sounds
CREPE_HZ = (32.70, 1975.5)  # what CREPE can track
# In each metric's unit, and as a share of figures above 1: files have 24 bits, and NumPy computes
# in float64.
CLOSE = 0.02
STATED_CLOSE = "may differ by 0.02, or 2 % of a figure above 1"


def close(stated: float, recomputed: float) -> bool:
    """Tell whether a recomputed figure agrees with the stated one."""
    both_undefined = np.isnan(stated) and np.isnan(recomputed)
    return bool(abs(stated - recomputed) <= CLOSE * max(1, abs(stated)) or both_undefined)


def finite_difference(stated: float, recomputed: float) -> float:
    """Return the absolute difference of two figures; 0 where it is undefined."""
    difference = abs(stated - recomputed)
    return difference if np.isfinite(difference) else 0.0


def spectral_loss(target: np.ndarray, audio: np.ndarray) -> float:
    """Return the multi-scale spectral loss of two signals, [samples] each."""
    total = 0.0
    for size in FFT_SIZES:
        expected = _magnitudes(target, size)
        actual = _magnitudes(audio, size)
        linear = np.abs(expected - actual).mean()
        logarithmic = np.abs(np.log(expected + 1e-5) - np.log(actual + 1e-5)).mean()
        total += linear + logarithmic
    return float(total)


def _magnitudes(audio: np.ndarray, size: int) -> np.ndarray:
    """Return the magnitude spectra of frames that overlap by 75 %: [frames, size / 2 + 1]."""
    return np.abs(np.fft.rfft(frames(audio, size, size // 4, 0) * window(size)))


def loudness(audio: np.ndarray) -> np.ndarray:
    """Return the A-weighted power every 4 ms in dB, at least -80 dB: [frames].

    0 dB is a full-scale sine of 1 kHz (IEC 61672).
    """
    spectra = np.fft.rfft(frames(audio, WINDOW, HOP, WINDOW // 2) * window(WINDOW))
    power = np.abs(spectra) ** 2 @ _a_gain() ** 2
    full_scale = WINDOW * (window(WINDOW) ** 2).sum() / 4
    return np.maximum(10 * np.log10(np.maximum(power / full_scale, 1e-12)), -80)


def loudness_0_0_6(audio: np.ndarray) -> np.ndarray:
    """Return the loudness of the authors' code 0.0.6 every 4 ms: [frames] dB, at least -120.

    It is the mean over the bins of their A-weighted level above 20.7 dB; no bin counts less than
    -120 dB. Frames are not centred.
    """
    magnitudes = np.abs(np.fft.rfft(frames(audio, WINDOW, HOP, 0) * window(WINDOW)))
    gain = np.maximum(_a_gain(), 1e-4)  # at least -80 dB
    levels = 20 * np.log10(np.maximum(magnitudes, 1e-20) * gain) - 20.7
    return np.maximum(levels, -120).mean(axis=1)


def _a_gain() -> np.ndarray:
    """Return A-weighting (IEC 61672) as the gain of each bin: [WINDOW / 2 + 1]."""
    f = np.fft.rfftfreq(WINDOW, 1 / RATE)
    numerator = 12194**2 * f**4
    low = (f**2 + 20.6**2) * np.sqrt((f**2 + 107.7**2) * (f**2 + 737.9**2))
    return 10**0.1 * numerator / (low * (f**2 + 12194**2))


def frames(audio: np.ndarray, size: int, hop: int, before: int) -> np.ndarray:
    """Cut a signal into frames, with zeros beyond its ends.

    Args:
        audio: [samples].
        size: Samples of a frame.
        hop: Samples between the starts of two frames.
        before: Samples by which the first frame starts before the signal.

    Returns:
        [ceil(samples / hop), size].
    """
    padded = np.pad(audio.astype(np.float64), (before, size))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: -(-len(audio) // hop)]


def window(size: int) -> np.ndarray:
    """Return a periodic Hann window: [size]."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def f0_distance(expected_hz: np.ndarray, actual_hz: np.ndarray, counted: np.ndarray) -> float:
    """Return the mean f0 distance over the counted frames, in semitones.

    Args:
        expected_hz: [frames]; 0 Hz is MIDI 0.
        actual_hz: [frames].
        counted: [frames], True where a frame counts.

    Returns:
        The distance; NaN where no frame counts.
    """
    distance = np.abs(_midi(expected_hz) - _midi(actual_hz))
    return float(distance[counted].mean()) if counted.any() else np.nan


def _midi(f0_hz: np.ndarray) -> np.ndarray:
    return np.where(f0_hz > 0, 69 + 12 * np.log2(np.maximum(f0_hz, 1e-9) / 440), 0)


def early_to_late_db(response: np.ndarray, seconds: float, low_hz: float, high_hz: float) -> float:
    """Return the energy ratio of an impulse response's beginning to the rest, in dB.

    Args:
        response: [samples].
        seconds: Length of the beginning.
        low_hz: Lower edge of the band that both parts are filtered to.
        high_hz: Upper edge of that band.
    """
    band_pass = butter(4, (low_hz, high_hz), "bandpass", fs=RATE, output="sos")
    is_early = np.arange(len(response)) < round(seconds * RATE)
    early, late = (
        (sosfilt(band_pass, response * part) ** 2).sum() for part in (is_early, ~is_early)
    )
    return float(10 * np.log10(early / late))
