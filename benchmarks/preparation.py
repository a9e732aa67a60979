"""Benchmark of data preparation: the speed of f0 and loudness against CREPE's own `predict`, and
the growth of the examples stage. Run `make bench` on an otherwise idle machine. Settings take
turns, one run per repeat, so that a slow minute affects all of them.
"""

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pandas as pd
import typer
import yaml

from benchmarks.examples_growth import EXAMPLE_FRAMES, measure_examples
from benchmarks.machine import machine_facts
from benchmarks.measurements import Row, check_writable
from benchmarks.tracking import CREPE, FEWEST_NOTES, NOTE_SECONDS, STEP_MS, measure_features
from pipeline.common.cli import UserError, run_stage
from pipeline.common.files import write_text
from pipeline.common.settings import Settings
from pipeline.common.units import FRAME_RATE
from pipeline.examples.schema import SPLITS

INSTRUMENTS = {
    "violin": {"program": 40, "family": "string", "low": 55, "high": 84},
    "trumpet": {"program": 56, "family": "brass", "low": 54, "high": 84},
    "flute": {"program": 73, "family": "flute", "low": 60, "high": 84},
}
ZONES = 20  # of these instruments together
Count = Annotated[int, typer.Option(min=1)]


def main(
    out: Path,
    notes: Count = 32,
    recordings: Count = 70_000,
    shards: Count = 64,
    repeats: Count = 3,
    params: Path = Path("params.yaml"),
) -> None:
    """Write the CSV file OUT. NOTES are tracked; RECORDINGS and a tenth of them are cut into
    examples.
    """
    if notes < FEWEST_NOTES or recordings < 100:
        raise UserError(
            f"too little to measure: give --notes of at least {FEWEST_NOTES} and --recordings of "
            "at least 100"
        )
    check_writable(out)
    rows = [Row("machine", key, value) for key, value in machine_facts().items()]
    with TemporaryDirectory(prefix="bench-") as name:
        settings = write_params(params, Path(name) / "params.yaml", notes, shards)
        rows += measure_features(Path(name), settings, notes, repeats)
        rows += measure_examples(Path(name), settings, recordings, repeats)
    table = pd.DataFrame(rows)
    write_text(out, table.to_csv(index=False))
    print(table.drop(columns="note").to_string(index=False))


def write_params(params: Path, path: Path, notes: int, shards: int) -> Path:
    """Write the settings of the benchmark; those that do not affect it come from `params`."""
    data = Settings.read(params).mapping("data", "notes") | {
        "instruments": INSTRUMENTS,
        "seconds": NOTE_SECONDS,
        "zones_per_test_zone": 4,
        "notes_per_zone": math.ceil(notes / ZONES),
    }
    seconds = EXAMPLE_FRAMES / FRAME_RATE
    values = {
        "data": {"notes": data},
        "features": {"crepe": CREPE, "f0_step_ms": STEP_MS, "viterbi": False},
        "examples": {
            "seconds": seconds,
            "hop_seconds": seconds,
            "shards": dict.fromkeys(SPLITS, shards),
            "seed": 0,
        },
    }
    path.write_text(yaml.safe_dump(values))
    return path


if __name__ == "__main__":
    run_stage(main)
