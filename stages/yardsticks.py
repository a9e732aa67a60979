"""Track the originals of a test split once; make and track the trivial resyntheses."""

from pathlib import Path

from pipeline.common.cli import run_stage
from pipeline.common.experiments import yardsticks_of
from pipeline.common.files import atomic_folder, write_json
from pipeline.common.manifest import read_manifest
from pipeline.common.params import RETRACKED
from pipeline.common.settings import Settings
from pipeline.examples.dataset import read_split
from pipeline.examples.schema import example_seconds
from pipeline.features.loudness_0_0_6 import loudness_std_0_0_6
from pipeline.resynthesis.tracked_set import ResynthesizeConfig, write_tracked_set
from pipeline.resynthesis.yardsticks import mean_distributions, mean_spectrum, nearest_note


def main(
    name: str, examples: Path, manifest: Path, out: Path, params: Path = Path("params.yaml")
) -> None:
    """Read EXAMPLES (train and test), MANIFEST and `resynthesize`; write audio and tracks to
    OUT/original and OUT/YARDSTICK, and OUT/statistics.json: the standard deviation over split train
    of the loudness curve of 0.0.6.
    """
    settings = Settings.read(params)
    config = settings.section("resynthesize", ResynthesizeConfig)
    seconds = example_seconds(settings)
    training = {
        example["example_id"]: example for example in read_split(examples, "train", seconds)
    }
    test = read_split(examples, "test", seconds)
    ids = [example["example_id"] for example in test]
    recordings = read_manifest(manifest).set_index("id")
    means = mean_distributions(training, recordings)
    sets = {
        "original": (example["audio"] for example in test),
        "nearest_note": (nearest_note(example, recordings, training) for example in test),
        "mean_spectrum": (
            mean_spectrum(example, means[recordings.loc[example["recording_id"]].instrument])
            for example in test
        ),
    }
    kinds = {"original", *yardsticks_of(settings.mapping("data", name)["source"])} - {RETRACKED}
    deviation = loudness_std_0_0_6(example["audio"] for example in training.values())
    with atomic_folder(out) as folder:
        write_json(folder / "statistics.json", {"loudness_std_0_0_6": deviation})
        for kind in sorted(kinds):
            write_tracked_set(folder / kind, config, ids, sets[kind], f"{name}: {kind}")


if __name__ == "__main__":
    run_stage(main)
