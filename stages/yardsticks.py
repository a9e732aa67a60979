"""Track the originals of the test split once, and make and track the two trivial resyntheses."""

from pathlib import Path

import pandas as pd

from pipeline.command import run_stage
from pipeline.config import read_section
from pipeline.dataset import read_split
from pipeline.examples import ExamplesConfig
from pipeline.tracking import ResynthesizeConfig, write_tracked_set
from pipeline.yardsticks import mean_distribution, mean_spectrum, nearest_note


def main(examples: Path, manifest: Path, out: Path, params: Path = Path("params.yaml")) -> None:
    """Reads EXAMPLES (train, test), MANIFEST and `resynthesize`; writes OUT/{original,nearest_note,mean_spectrum}."""
    config = read_section(params, "resynthesize", ResynthesizeConfig)
    seconds = read_section(params, "examples", ExamplesConfig).seconds
    training = {example["recording_id"]: example for example in read_split(examples, "train", seconds)}
    test = read_split(examples, "test", seconds)
    ids = [example["example_id"] for example in test]
    notes = pd.read_csv(manifest)
    note = notes.set_index("id", drop=False)
    heard = notes[notes.id.isin(training)]
    means = {
        name: mean_distribution([training[recording] for recording in group.id]) for name, group in heard.groupby("instrument")
    }
    sets = {
        "original": (example["audio"] for example in test),
        "nearest_note": (nearest_note(example, note.loc[example["recording_id"]], training, heard) for example in test),
        "mean_spectrum": (mean_spectrum(example, means[note.loc[example["recording_id"]].instrument]) for example in test),
    }
    for name, audio in sets.items():
        write_tracked_set(out / name, config, ids, audio, name)


if __name__ == "__main__":
    run_stage(main)
