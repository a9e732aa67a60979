"""Loudness, spectral loss, f0 distance and a room's energy ratio, written out anew in NumPy for
the audit.
"""

import numpy as np
from scipy.signal import butter, sosfilt

FFT_SIZES, HOP, WINDOW = (2048, 1024, 512, 256, 128, 64), 64, 2048
CONFIDENT, SOUNDING = 0.85, -70.0
CREPE_HZ = (32.70, 1975.5)  # what it can track
# in each metric's unit, and as a share of figures above 1; files have 24 bits, and NumPy computes
# in float64
CLOSE = 0.02
STATED_CLOSE = "may differ by 0.02, or 2 % of a figure above 1"


def close(stated: float, found: float) -> bool:
    """Whether a figure made again is the stated one."""
    return bool(
        abs(stated - found) <= CLOSE * max(1, abs(stated)) or (np.isnan(stated) and np.isnan(found))
    )


def spectral_loss(target: np.ndarray, audio: np.ndarray) -> float:
    """The multi-scale spectral loss of two signals, [samples] each."""
    total = 0.0
    for size in FFT_SIZES:
        one, other = (
            np.abs(np.fft.rfft(frames(signal, size, size // 4, 0) * window(size)))
            for signal in (target, audio)
        )
        total += (
            np.abs(one - other).mean() + np.abs(np.log(one + 1e-5) - np.log(other + 1e-5)).mean()
        )
    return float(total)


def loudness(audio: np.ndarray) -> np.ndarray:
    """A-weighted power every 4 ms, 0 dB a full-scale sine of 1 kHz, at least -80 dB (IEC 61672)."""
    f = np.fft.rfftfreq(WINDOW, 1 / 16000)
    gain = (
        12194**2
        * f**4
        / ((f**2 + 20.6**2) * np.sqrt((f**2 + 107.7**2) * (f**2 + 737.9**2)) * (f**2 + 12194**2))
    )
    power = (
        np.abs(np.fft.rfft(frames(audio, WINDOW, HOP, WINDOW // 2) * window(WINDOW))) ** 2
        @ (gain * 10**0.1) ** 2
    )
    return np.maximum(
        10 * np.log10(np.maximum(power / (WINDOW * (window(WINDOW) ** 2).sum() / 4), 1e-12)), -80
    )


def frames(audio: np.ndarray, size: int, hop: int, before: int) -> np.ndarray:
    """A frame at every hop, the first `before` samples early, zeros beyond the ends:
    [ceil(samples / hop), size].
    """
    padded = np.pad(audio.astype(np.float64), (before, size))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: -(-len(audio) // hop)]


def window(size: int) -> np.ndarray:
    """A periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def f0_distance(wanted_hz: np.ndarray, found_hz: np.ndarray, counted: np.ndarray) -> float:
    """Mean distance in semitones over the frames that count; 0 Hz is MIDI 0; NaN where none
    does.
    """
    midi = [
        np.where(f0_hz > 0, 69 + 12 * np.log2(np.maximum(f0_hz, 1e-9) / 440), 0)
        for f0_hz in (wanted_hz, found_hz)
    ]
    return float(np.abs(midi[0] - midi[1])[counted].mean()) if counted.any() else np.nan


def early_to_late_db(response: np.ndarray, seconds: float, low_hz: float, high_hz: float) -> float:
    """Energy of a response's beginning over that of the rest, both band-passed, dB."""
    passed = butter(4, (low_hz, high_hz), "bandpass", fs=16000, output="sos")
    early = np.arange(len(response)) < round(seconds * 16000)
    one, other = ((sosfilt(passed, response * part) ** 2).sum() for part in (early, ~early))
    return float(10 * np.log10(one / other))
