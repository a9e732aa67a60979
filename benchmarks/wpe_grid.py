"""Which settings of the dereverberation baseline (WPE) do best, on the valid split alone;
params.yaml takes the first line's. python -m benchmarks.wpe_grid reports/benchmarks/wpe_grid.csv
"""

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile

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
WHOLE = dict.fromkeys(WpeConfig.model_fields, "Int64")
SHOWN = [
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
    """Reads the valid split of EXAMPLES, DATA_SET and `examples.seconds`; writes OUT (CSV), the
    least spectral loss first.
    """
    valid = {
        example["example_id"]: example
        for example in read_split(examples, "valid", example_seconds(Settings.read(params)))
    }
    recordings = sorted({split_id(name)[0] for name in valid})
    wet = {
        name: soundfile.read(data_set / AUDIO / f"{name}.wav", dtype="float32")[0]
        for name in recordings
    }
    dry = {
        name: soundfile.read(data_set / TRUTH / f"{name}.dry.wav", dtype="float32")[0]
        for name in recordings
    }
    truths = {
        name: measure_truth(cut, cut)
        for name, example in valid.items()
        for cut in [window(dry, name, example)]
    }
    lines = [
        {"setting": "none"}
        | score({name: example["audio"] for name, example in valid.items()}, truths)
    ]
    configs = [
        WpeConfig(fft=fft, hop=hop, taps=taps, delay=delay, iterations=ITERATIONS)
        for (fft, hop), taps, delay in product(WINDOWS, TAPS, DELAYS)
    ]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        for config, made in zip(
            configs,
            progress(
                pool.map(partial(without_room, wet), configs),
                "settings",
                len(configs),
                unit="setting",
            ),
        ):
            cuts = {name: window(made, name, example) for name, example in valid.items()}
            lines.append({"setting": "wpe"} | config.model_dump() | score(cuts, truths))
    write_text(
        out,
        pd.DataFrame(lines).sort_values("spectral_loss").astype(WHOLE).round(4).to_csv(index=False),
    )


def without_room(wet: dict[str, np.ndarray], config: WpeConfig) -> dict[str, np.ndarray]:
    """Every recording, dereverberated."""
    return {name: dereverberate(audio, config) for name, audio in wet.items()}


def score(sounds: dict[str, np.ndarray], truths: dict[str, Truth]) -> dict[str, float]:
    """Means over the examples; NaN, where nothing can be measured, is left out."""
    delay = common_delay(
        (onset_envelope(truths[name].audio), onset_envelope(audio))
        for name, audio in sounds.items()
    )
    return (
        pd.DataFrame([compare(truths[name], audio, delay)[0] for name, audio in sounds.items()])[
            SHOWN
        ]
        .mean()
        .to_dict()
    )


if __name__ == "__main__":
    run_stage(main)
