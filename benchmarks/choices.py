"""Choices made on the valid split: train the variants of benchmarks/choices.yaml with several seeds
and measure each on valid. Run it with
`python -m benchmarks.choices z_normalization reports/benchmarks/z_normalization.csv`.

Finished trainings are kept in .scratch/choices, so that an interrupted run continues.
"""

from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measurements import check_writable
from pipeline.common.cli import UserError, progress, run_stage
from pipeline.common.files import digest, write_text
from pipeline.common.settings import Settings
from pipeline.common.units import CONFIDENCE_THRESHOLD, SOUNDING_DB
from pipeline.common.yaml_files import read_yaml

VARIANTS = Path(__file__).with_name("choices.yaml")
PARAMS = Path("params.yaml")
SEEDS = (0, 1, 2)
PROCESSES = 2
VALID_BATCH = 25
NOISE_SEED = 1
METRICS = ["spectral_loss", "loudness_l1_db_sounding", "f0_l1"]


def main(choice: str, out: Path, scratch: Path = Path(".scratch/choices")) -> None:
    """Train every variant of CHOICE on data/examples with three seeds; write OUT (CSV): a row per
    training and, with an empty seed, one per variant with the means.
    """
    check_writable(out)
    variants = read_yaml(VARIANTS)
    if choice not in variants:
        raise UserError(f"{VARIANTS}: no choice '{choice}'; known: {', '.join(variants)}")
    runs = [
        (variant, block, seed, scratch / choice)
        for (variant, block), seed in product(variants[choice].items(), SEEDS)
    ]
    # a process per training, because seeds and threads of TensorFlow belong to the process
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), max_tasks_per_child=1) as pool:
        rows = list(progress(pool.map(_measured, runs), choice, len(runs), unit="training"))
    table = pd.DataFrame(rows)
    means = table.groupby("variant", sort=False)[METRICS].mean().reset_index()
    whole = pd.concat([table, means]).astype({"seed": "Int64"}).round(4)
    write_text(out, whole.to_csv(index=False))


def variant_settings(variant: str, block: dict) -> Settings:
    """Return the settings of params.yaml with a variant as an ablation of its `experiment`."""
    settings = Settings.read(PARAMS)
    overrides = {section: values for section, values in block.items() if section != "experiment"}
    ablation = {"ablates": block["experiment"], "asks": "a variant", **overrides}
    experiments = settings.values["experiments"] | {variant: ablation}
    return Settings(settings.path, dict(settings.values) | {"experiments": experiments})


def _measured(run: tuple[str, dict, int, Path]) -> dict:
    """Train a variant with a seed, unless its model exists, and measure it on valid."""
    # imported here, so that the parent process does without TensorFlow
    from pipeline.examples.schema import example_seconds
    from pipeline.models.objective import LossConfig
    from pipeline.models.recipe import load_model, read_recipe
    from pipeline.training.config import TrainConfig
    from pipeline.training.devices import use_threads
    from pipeline.training.experiment import run_key, train

    variant, block, seed, scratch = run
    settings = variant_settings(variant, block)
    recipe = read_recipe(settings, variant)
    loss = settings.section("loss", LossConfig, variant)
    config = settings.section("train", TrainConfig, variant)
    use_threads(config.intra_op_threads)
    examples = Path("data/examples") / settings.experiment(variant).data
    seconds = example_seconds(settings)
    key = digest(run_key(recipe, loss, config, examples), seed)[:12]
    folder = scratch / f"{variant}-{seed}-{key}"
    if not (folder / "model").exists():
        folder.mkdir(parents=True, exist_ok=True)
        outs = (folder / name for name in ("model", "exported", "log.csv", "checkpoint.npz"))
        train(recipe, loss, config, examples, seconds, seed, *outs)
    scores = measure(load_model(folder / "model"), examples, seconds)
    return {"variant": variant, "seed": seed} | scores


def measure(model, examples: Path, seconds: float) -> dict[str, float]:
    """Measure a model on valid: spectral loss, loudness L1 over sounding frames in dB and, against
    the tracker's f0 where it is confident, the L1 of the f0 that the model plays, in semitones.
    """
    from pipeline.common.units import FRAME_RATE
    from pipeline.dsp.spectral_loss import multi_scale_spectral_loss
    from pipeline.examples.dataset import split_batches
    from pipeline.features.loudness import loudness_db

    losses = []
    loudness = []
    pitch = []
    frames = round(seconds * FRAME_RATE)
    for batch in split_batches(examples, "valid", frames, VALID_BATCH, NOISE_SEED):
        output = model(batch)
        losses.append(multi_scale_spectral_loss(batch["audio"], output["audio"]))
        given = batch["loudness_db"].numpy()
        difference = np.abs(given - loudness_db(output["audio"]).numpy())
        loudness.append(difference[given > SOUNDING_DB])
        confident = batch["f0_confidence"].numpy() >= CONFIDENCE_THRESHOLD
        intervals = 12 * np.abs(np.log2(output["f0_hz"].numpy() / batch["f0_hz"].numpy()))
        pitch.append(intervals[confident])
    means = (float(np.concatenate(parts).mean()) for parts in (losses, loudness, pitch))
    return dict(zip(METRICS, means, strict=True))


if __name__ == "__main__":
    run_stage(main)
