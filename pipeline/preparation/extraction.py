"""Features of recordings (f0, loudness) with Apache Beam: one file per recording, kept by
content and never computed twice.
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
    """One ID.npy ([frames] of FRAME: audio, f0_hz, f0_confidence, loudness_db) per recording, and
    features.csv.

    Args:
        recordings: the manifest; its rejected recordings stay rejected.
        root: the folder that the manifest's paths start from.
        scratch: where feature files are kept by the hash of audio, settings and code, for this run
            and later ones.
        max_rejected: how many rejected recordings are put up with; the output is written in any
            case.
    """
    # missing weights are the user's to add: say so here, not from inside a worker
    find_weights(config.crepe)
    clear_temporaries(scratch)
    key = [config.model_dump(), code_digest(*CODE)]
    elements = [
        _element(row, root, scratch, key)
        for row in recordings[recordings.rejected == ""].itertuples()
    ]
    elements.sort(key=lambda element: (-element["size"], element["id"]))
    rows = run_chain(elements, partial(features_of, config), scratch / "rows", "features", runner)
    if unseen := [row["id"] for row in rows if "unseen" in row]:
        raise UserError(
            f"features: the workers do not see {len(unseen)} of {len(rows)} recordings, such as "
            f"{unseen[0]}; {root} must lie under the same path on every machine; run the same "
            "command again to continue"
        )
    measured = (
        pd.DataFrame(rows, columns=["id", "features", *MEASURED, "rejected"])
        .set_index("id")
        .astype(MEASURED)
    )
    table = recordings.set_index("id").drop(columns="rejected").join(measured)
    table["rejected"] = table.rejected.where(
        table.index.isin(measured.index), recordings.set_index("id").rejected
    )
    with atomic_folder(out) as folder:
        for row in table[table.rejected == ""].itertuples():
            shutil.copyfile(scratch / f"{row.features}.npy", folder / f"{row.Index}.npy")
        table.to_csv(folder / "features.csv")
    check_rejected(table, max_rejected, out / "features.csv")


def check_rejected(table: pd.DataFrame, max_rejected: int, where: Path) -> None:
    """Stop when more recordings were rejected than are put up with, or all of them."""
    rejected = table[table.rejected != ""]
    if len(rejected) > max_rejected or len(rejected) == len(table):
        raise UserError(
            f"{len(rejected)} of {len(table)} recordings rejected, {max_rejected} allowed by "
            f"max_rejected; all are listed in {where}, the first: {rejected.index[0]} "
            f"{rejected.rejected.iloc[0]}; remove or replace them, or raise max_rejected of the "
            "data set in params.yaml (what is finished is kept)"
        )


def _element(row: tuple, root: Path, scratch: Path, key: list) -> dict:
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
    """Kernels on one thread: with more, their number changes the last bits. What runs side by
    side are recordings.
    """
    tf.config.threading.set_intra_op_parallelism_threads(1)


def features_of(config: FeaturesConfig, element: dict) -> dict:
    """A worker's part: write an element's feature file unless it is there; returns its row for
    features.csv.
    """
    file, path = (
        Path(element["scratch"]) / f"{element['features']}.npy",
        decode_path(element["path"]),
    )
    if element["size"] and not path.exists():
        # a machine without the disk must not make good recordings rejects
        return {"id": element["id"], "unseen": True}
    try:
        if not file.exists():
            _one_thread_each()
            frames = compute_features(config, read_audio(path))
            with atomic(file) as temporary:
                np.save(temporary, frames)
    except BadAudio as error:
        return {"id": element["id"], "features": "", "rejected": str(error)}
    return {"id": element["id"], "features": element["features"], "rejected": ""} | _measure(
        np.load(file, mmap_mode="r")
    )


def _measure(frames: np.ndarray) -> dict:
    return {
        "frames": len(frames),
        "coverage": round(float((frames["f0_confidence"] >= CONFIDENCE_THRESHOLD).mean()), 6),
        "loudness_low": round(float(frames["loudness_db"].min()), 3),
        "loudness_high": round(float(frames["loudness_db"].max()), 3),
    }
