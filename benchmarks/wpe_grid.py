"""Grid search for settings of the dereverberation baseline (WPE) on the valid split alone;
params.yaml has the settings of the first row of the result. Run it with
`python -m benchmarks.wpe_grid reports/benchmarks/wpe_grid.csv`.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

from benchmarks.measurements import check_writable
from pipeline.common.cli import progress, run_stage
from pipeline.common.files import write_text
from pipeline.common.manifest import AUDIO, TRUTH
from pipeline.common.settings import Settings
from pipeline.evaluation.alignment import common_delay, onset_envelope
from pipeline.evaluation.closeness import Truth, compare, measure_truth
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import example_seconds, split_id
from pipeline.studies.dereverberation import window
from pipeline.studies.wpe import WpeConfig, dereverberate

WINDOWS = ((1024, 256), (2048, 512), (4096, 1024))  # FFT size and hop, samples
TAPS = (20, 40, 80, 120, 160, 240)
DELAYS = (1, 2)
ITERATIONS = 3
PROCESSES = 2
WHOLE = dict.fromkeys(WpeConfig.model_fields, "Int64")  # integers, missing without WPE
METRICS = [
    "spectral_loss",
    "spectral_loss_as_is",
    "log_spectral_distance_db",
    "loudness_l1_db",
    "tail_db",
    "delay_ms",
    "gain_db",
]


def main(
    out: Path,
    examples: Path = Path("data/examples/violin"),
    data_set: Path = Path("data/sets/violin"),
    params: Path = Path("params.yaml"),
) -> None:
    """Read the valid split of EXAMPLES, DATA_SET and `examples.seconds`; write OUT (CSV), sorted by
    spectral loss.
    """
    check_writable(out)
    valid = {
        example["example_id"]: example
        for example in read_split(examples, "valid", example_seconds(Settings.read(params)))
    }
    recordings = sorted({split_id(name)[0] for name in valid})
    wet = read_recordings(data_set / AUDIO, recordings, ".wav")
    dry = read_recordings(data_set / TRUTH, recordings, ".dry.wav")
    truths = {}
    for name, example in valid.items():
        passage = window(dry, name, example)
        truths[name] = measure_truth(passage, passage)
    untreated = {name: example["audio"] for name, example in valid.items()}
    rows = [{"setting": "none"} | score(untreated, truths)]
    for config, recordings_without_room in dereverberated(wet):
        passages = {
            name: window(recordings_without_room, name, example) for name, example in valid.items()
        }
        rows.append({"setting": "wpe"} | config.model_dump() | score(passages, truths))
    table = pd.DataFrame(rows).sort_values("spectral_loss").astype(WHOLE).round(4)
    write_text(out, table.to_csv(index=False))


def read_recordings(folder: Path, names: list[str], suffix: str) -> dict[str, np.ndarray]:
    """Read recordings by name: float32 [samples] each."""
    return {name: soundfile.read(folder / f"{name}{suffix}", dtype="float32")[0] for name in names}


def dereverberated(
    wet: dict[str, np.ndarray],
) -> Iterator[tuple[WpeConfig, dict[str, np.ndarray]]]:
    """Yield every setting of the grid with all recordings dereverberated by it."""
    configs = [
        WpeConfig(fft=fft, hop=hop, taps=taps, delay=delay, iterations=ITERATIONS)
        for (fft, hop), taps, delay in product(WINDOWS, TAPS, DELAYS)
    ]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        results = pool.map(partial(without_room, wet), configs)
        yield from zip(configs, progress(results, "settings", len(configs), unit="setting"))


def without_room(wet: dict[str, np.ndarray], config: WpeConfig) -> dict[str, np.ndarray]:
    """Dereverberate every recording."""
    return {name: dereverberate(audio, config) for name, audio in wet.items()}


def score(sounds: dict[str, np.ndarray], truths: dict[str, Truth]) -> dict[str, float]:
    """Compute the mean of each metric over the examples, ignoring NaN (not measurable)."""
    delay = common_delay(
        (onset_envelope(truths[name].audio), onset_envelope(audio))
        for name, audio in sounds.items()
    )
    metrics = [compare(truths[name], audio, delay)[0] for name, audio in sounds.items()]
    return pd.DataFrame(metrics)[METRICS].mean().to_dict()


if __name__ == "__main__":
    run_stage(main)
