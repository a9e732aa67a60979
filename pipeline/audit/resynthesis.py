"""A sample of examples resynthesized from the checkpoints and measured again, metrics written out anew in NumPy."""

from itertools import islice

import numpy as np

from pipeline.audit.checks import Check, Project
from pipeline.audit.models import NO_CHECKPOINTS
from pipeline.dataset import read_split
from pipeline.f0 import track_f0
from pipeline.model import load_model
from pipeline.resynthesis import resynthesize

SAMPLE, WORST = 12, 3  # at least so many examples, one of each run at the least; and the largest errors
FFT_SIZES, HOP, WINDOW = (2048, 1024, 512, 256, 128, 64), 64, 2048
CONFIDENT = 0.85
CLOSE = 0.02  # in each metric's unit, and as a share of figures above 1; files have 24 bits, and NumPy computes in float64


def spectral_loss(target: np.ndarray, audio: np.ndarray) -> float:
    """The multi-scale spectral loss of two signals, [samples] each."""
    total = 0.0
    for size in FFT_SIZES:
        one, other = (np.abs(np.fft.rfft(frames(signal, size, size // 4, 0) * window(size))) for signal in (target, audio))
        total += np.abs(one - other).mean() + np.abs(np.log(one + 1e-5) - np.log(other + 1e-5)).mean()
    return float(total)


def loudness_l1(target: np.ndarray, audio: np.ndarray) -> float:
    """Mean difference of A-weighted loudness in dB."""
    return float(np.abs(loudness(target) - loudness(audio)).mean())


def loudness(audio: np.ndarray) -> np.ndarray:
    """A-weighted power every 4 ms, 0 dB a full-scale sine of 1 kHz, at least -80 dB (IEC 61672)."""
    f = np.fft.rfftfreq(WINDOW, 1 / 16000)
    gain = 12194**2 * f**4 / ((f**2 + 20.6**2) * np.sqrt((f**2 + 107.7**2) * (f**2 + 737.9**2)) * (f**2 + 12194**2))
    power = np.abs(np.fft.rfft(frames(audio, WINDOW, HOP, WINDOW // 2) * window(WINDOW))) ** 2 @ (gain * 10**0.1) ** 2
    return np.maximum(10 * np.log10(np.maximum(power / (WINDOW * (window(WINDOW) ** 2).sum() / 4), 1e-12)), -80)


def frames(audio: np.ndarray, size: int, hop: int, before: int) -> np.ndarray:
    """A frame at every hop, the first `before` samples early, zeros beyond the ends: [ceil(samples / hop), size]."""
    padded = np.pad(audio.astype(np.float64), (before, size))
    return np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: -(-len(audio) // hop)]


def window(size: int) -> np.ndarray:
    """A periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)


def f0_l1(target: np.ndarray, audio: np.ndarray, settings: dict) -> float:
    """Mean distance in semitones where CREPE is confident on the target; NaN where it nowhere is."""
    one, other = (track_f0(signal, settings["crepe"], settings["f0_step_ms"]) for signal in (target, audio))
    sure = one.confidence >= CONFIDENT
    midi = [np.where(track.f0_hz > 0, 69 + 12 * np.log2(np.maximum(track.f0_hz, 1e-9) / 440), 0) for track in (one, other)]
    return float(np.abs(midi[0] - midi[1])[sure].mean()) if sure.any() else np.nan


def pick(project: Project) -> dict[str, list[str]]:
    """Examples by run: one or more drawn with a seed, and those with the largest errors of all."""
    available = [run for run in project.runs() if (project.root / "models" / run / "model.weights.h5").exists() and run in project.rows]
    random, picked = np.random.default_rng(project.params["tabulate"]["seed"]), {run: [] for run in available}
    for run in islice((run for _ in range(SAMPLE) for run in available), max(SAMPLE, len(available)) if available else 0):
        ids = sorted(set(project.rows[run]["example_id"]) - set(picked[run]))
        picked[run] += [ids[random.integers(len(ids))]] if ids else []
    errors = [(loss, run, name) for run in available for loss, name in zip(project.rows[run]["spectral_loss"], project.rows[run]["example_id"])]
    for _, run, name in sorted(errors, reverse=True)[:WORST]:
        picked[run] += [name] if name not in picked[run] else []
    return picked


def check_resynthesis(project: Project) -> Check:
    """The sample's rows against what its checkpoints give now."""
    picked, findings, largest = pick(project), [], 0.0
    for run, names in picked.items():
        examples = _examples(project, run)
        for name, audio in _resynthesize(project, run, names, examples):
            original, row = examples[name]["audio"], project.rows[run]["example_id"] == name
            found = {"spectral_loss": spectral_loss(original, audio), "loudness_l1_db": loudness_l1(original, audio),
                     "f0_l1": f0_l1(original, audio, project.params["resynthesize"])}  # fmt: skip
            for metric, value in found.items():
                stated = float(project.rows[run][metric][row][0])
                largest = max(largest, abs(stated - value) if np.isfinite(stated - value) else 0.0)
                if not (abs(stated - value) <= CLOSE * max(1, abs(stated)) or np.isnan(stated) and np.isnan(value)):
                    findings.append(f"{run}, {name}: {metric} is {stated:.6g}, its checkpoint gives {value:.6g}")
    count = sum(map(len, picked.values()))
    looked = (f"{count} examples of {len(picked)} runs, the {WORST} largest errors among them; may differ by 0.02, or 2 % of a figure above 1; "
              f"largest difference {largest:.2g}")  # fmt: skip
    return Check("checkpoints give the rows", looked, count, findings, "" if count else NO_CHECKPOINTS)


def _examples(project: Project, run: str) -> dict[str, dict]:
    """The run's test examples with their noise, in the order of the resynthesize stage."""
    folder = project.root / "data" / "examples" / project.data_of(project.runs()[run][0])
    settings = project.params["resynthesize"]
    return {row["example_id"]: row for row in read_split(folder, "test", project.params["examples"]["seconds"], settings["noise_seed"])}


def _resynthesize(project: Project, run: str, names: list[str], examples: dict[str, dict]):
    """Name and audio of each; with the other examples of its batch, because sampled audio hangs on the last bit."""
    model, size, order = load_model(project.root / "models" / run), project.params["resynthesize"]["batch_size"], list(examples)
    for start in sorted({order.index(name) // size * size for name in names}):
        batch = order[start : start + size]
        for name, audio in zip(batch, resynthesize(model, [examples[name] for name in batch], size)):
            if name in names:
                yield name, audio
