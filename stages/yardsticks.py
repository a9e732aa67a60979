"""Track the originals of the test split once, and make and track the two trivial resyntheses."""

from pathlib import Path

import pandas as pd

from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.dataset import read_split
from pipeline.examples import ExamplesConfig
from pipeline.files import atomic_folder
from pipeline.tracking import ResynthesizeConfig, write_tracked_set
from pipeline.yardsticks import mean_distributions, mean_spectrum, nearest_note


def main(examples: Path, manifest: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Reads EXAMPLES (train, test), MANIFEST and `resynthesize`; writes OUT/{original,nearest_note,mean_spectrum}."""
    config = read_section(params, "resynthesize", ResynthesizeConfig)
    seconds = read_section(params, "examples", ExamplesConfig).seconds
    training = {example["example_id"]: example for example in read_split(examples, "train", seconds)}
    test = read_split(examples, "test", seconds)
    ids = [example["example_id"] for example in test]
    notes = pd.read_csv(manifest).set_index("id")
    means = mean_distributions(training, notes)
    sets = {
        "original": (example["audio"] for example in test),
        "nearest_note": (nearest_note(example, notes, training) for example in test),
        "mean_spectrum": (mean_spectrum(example, means[notes.loc[example["recording_id"]].instrument]) for example in test),
    }
    with atomic_folder(out) as folder:
        for name, audio in sets.items():
            write_tracked_set(folder / name, config, ids, audio, name)


if __name__ == "__main__":
    run_stage(main)
