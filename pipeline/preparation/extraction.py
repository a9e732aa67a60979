"""Extract the features (f0, loudness) of recordings with Apache Beam, one file per recording.

Feature files are kept under a hash of audio, settings and code, so that none is computed twice.
"""

import shutil
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf

from pipeline.audio.files import BadAudio, read_audio
from pipeline.common.cli import UserError
from pipeline.common.files import atomic, atomic_folder, clear_temporaries, code_digest, digest
from pipeline.common.manifest import MEASURED, decode_path, encode_path
from pipeline.common.units import CONFIDENCE_THRESHOLD
from pipeline.crepe.network import find_weights
from pipeline.features.extract import FeaturesConfig, compute_features
from pipeline.preparation.beam import run_chain

CODE = (  # what decides the content of a feature file, besides its audio and the settings
    "audio/files.py",
    "audio/lengths.py",
    "audio/mpeg.py",
    "common/units.py",
    "crepe",
    "features",
    "preparation/extraction.py",
)


def extract_features(
    config: FeaturesConfig,
    recordings: pd.DataFrame,
    root: Path,
    out: Path,
    scratch: Path,
    max_rejected: int,
    runner: list[str],
) -> None:
    """Write features.csv and one ID.npy per recording: [frames] of dtype FRAME.

    Args:
        config: settings of the features.
        recordings: the manifest; its rejected recordings stay rejected.
        root: folder that the manifest's paths are relative to.
        out: folder of the features, replaced as a whole.
        scratch: folder that keeps finished feature files for this run and later ones.
        max_rejected: number of rejected recordings allowed; the output is written in any case.
        runner: Beam's options, from `preparation.beam.runner_options`.

    Raises:
        UserError: CREPE's weights are missing, workers cannot read recordings, or too many
            recordings were rejected.
    """
    # checked here, because an error inside a worker would not tell the user which weights to add
    find_weights(config.crepe)
    clear_temporaries(scratch)
    elements = _elements(config, recordings, root, scratch)
    work = partial(features_of, config)
    rows = run_chain(elements, work, scratch / "rows", "features", runner)
    _check_seen(rows, root)
    table = _table(recordings, rows)
    with atomic_folder(out) as folder:
        for row in table[table.rejected == ""].itertuples():
            shutil.copyfile(scratch / f"{row.features}.npy", folder / f"{row.Index}.npy")
        table.to_csv(folder / "features.csv")
    check_rejected(table, max_rejected, out / "features.csv")


def _elements(
    config: FeaturesConfig, recordings: pd.DataFrame, root: Path, scratch: Path
) -> list[dict]:
    """Return the elements of all recordings that are not rejected, the largest files first."""
    key = [config.model_dump(), code_digest(*CODE)]
    accepted = recordings[recordings.rejected == ""]
    elements = [_element(row, root, scratch, key) for row in accepted.itertuples()]
    return sorted(elements, key=lambda element: (-element["size"], element["id"]))


def _check_seen(rows: list[dict], root: Path) -> None:
    """Stop if a worker could not find a recording that the driver found."""
    unseen = [row["id"] for row in rows if "unseen" in row]
    if unseen:
        raise UserError(
            f"features: the workers cannot find {len(unseen)} of {len(rows)} recordings, such as "
            f"{unseen[0]}; make {root} available under the same path on every machine and run the "
            "same command again to continue"
        )


def _table(recordings: pd.DataFrame, rows: list[dict]) -> pd.DataFrame:
    """Join the manifest and the workers' rows into features.csv, indexed by id."""
    manifest = recordings.set_index("id")
    columns = ["id", "features", *MEASURED, "rejected"]
    measured = pd.DataFrame(rows, columns=columns).set_index("id").astype(MEASURED)
    table = manifest.drop(columns="rejected").join(measured)
    extracted = table.index.isin(measured.index)
    table["rejected"] = table.rejected.where(extracted, manifest.rejected)
    return table


def check_rejected(table: pd.DataFrame, max_rejected: int, where: Path) -> None:
    """Stop if more recordings were rejected than allowed, or all of them.

    Args:
        table: features.csv, indexed by id.
        max_rejected: number of rejected recordings allowed.
        where: path of features.csv, for the error message.
    """
    rejected = table[table.rejected != ""]
    if len(rejected) > max_rejected or len(rejected) == len(table):
        raise UserError(
            f"{len(rejected)} of {len(table)} recordings rejected, {max_rejected} allowed by "
            f"max_rejected; {where} lists all of them, the first is {rejected.index[0]}: "
            f"{rejected.rejected.iloc[0]}; remove or replace them, or raise max_rejected of the "
            "data set in params.yaml (finished features are kept)"
        )


def _element(row: tuple, root: Path, scratch: Path, key: list) -> dict:
    """Describe a recording to a worker; size 0 means that the driver did not find the file."""
    path = (root / decode_path(row.path)).absolute()
    size = path.stat().st_size if path.exists() else 0
    return {
        "id": row.id,
        "path": encode_path(path),
        "size": size,
        "scratch": str(scratch.resolve()),
        "features": digest(row.sha256, *key),
    }


@cache
def _one_thread_each() -> None:
    """Let TensorFlow compute each kernel on one thread; recordings run in parallel instead.

    The number of threads of a kernel changes the last bits of its result.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)


def features_of(config: FeaturesConfig, element: dict) -> dict:
    """Write an element's feature file unless it exists; return its row for features.csv.

    This runs on a worker.
    """
    file = Path(element["scratch"]) / f"{element['features']}.npy"
    path = decode_path(element["path"])
    if element["size"] and not path.exists():
        # a machine that does not mount the disk must not reject good recordings
        return {"id": element["id"], "unseen": True}
    try:
        if not file.exists():
            _one_thread_each()
            frames = compute_features(config, read_audio(path))
            with atomic(file) as temporary:
                np.save(temporary, frames)
    except BadAudio as error:
        return {"id": element["id"], "features": "", "rejected": str(error)}
    row = {"id": element["id"], "features": element["features"], "rejected": ""}
    return row | _measure(np.load(file, mmap_mode="r"))


def _measure(frames: np.ndarray) -> dict:
    """Measure a feature file for features.csv: length, share of pitched frames, loudness range."""
    return {
        "frames": len(frames),
        "coverage": round(float((frames["f0_confidence"] >= CONFIDENCE_THRESHOLD).mean()), 6),
        "loudness_low": round(float(frames["loudness_db"].min()), 3),
        "loudness_high": round(float(frames["loudness_db"].max()), 3),
    }
