"""The tables of the studies, as the audit knows them."""

from typing import NamedTuple

import numpy as np

from pipeline.audit.checks import Columns, Project


class StudyTable(NamedTuple):
    """What a table is made from."""

    stage: str
    keys: tuple[str, ...]  # columns that name a line
    metrics: dict[str, str]  # a column of the rows by metric; a share is "column/denominator"


FOLLOWING = {
    "loudness_l1_db": "loudness_l1_db",
    "f0_l1": "f0_l1",
    "outlier_frames": "frames_outlier/frames_pitched",
}
CLOSENESS = {
    name: name
    for name in (
        "spectral_loss",
        "spectral_loss_as_is",
        "log_spectral_distance_db",
        "loudness_l1_db",
        "tail_db",
        "delay_ms",
        "gain_db",
    )
}
BY_BAND = {name: name for name in ("log_spectral_distance_db", "level_db")}
SMOOTHNESS = {name: name for name in ("spearman", "largest_step")}
BEYOND_TRAINING = {
    "centroid_hz": "centroid_hz",
    "centroid_harmonics": "centroid_harmonics",
    "beyond_frames": "frames_beyond/frames_asked",
}
ROOM = {
    name: name
    for name in ("t60_seconds", "direct_to_reverberant_db", "c50_db", "decay_distance_db")
}
TRANSFER = {
    "rpa": "rpa",
    "rpa_asked": "rpa_asked",
    "rca": "rca",
    "f0_l1": "f0_l1",
    "outlier_frames": "frames_outlier/frames_pitched",
    "source_rpa_true": "source_rpa_true",
    "rca_true": "rca_true",
    "loudness_correlation": "loudness_correlation",
    "loudness_correlation_asked": "loudness_correlation_asked",
    "loudness_l1_db": "loudness_l1_db",
    "timbre_source_to_training": "timbre_source_to_training",
    "timbre_to_training": "timbre_to_training",
    "timbre_to_source": "timbre_to_source",
}
VERSIONS = {
    name: name for name in ("waveform_distance", "spectral_loss", "spectral_loss_to_original")
}
TABLES = {
    "control": StudyTable("control", ("varied",), FOLLOWING | SMOOTHNESS),
    "extrapolation": StudyTable("extrapolation", ("octaves",), FOLLOWING | BEYOND_TRAINING),
    "dereverberation": StudyTable("dereverberation", ("signal",), CLOSENESS),
    "dereverberation_bands": StudyTable("dereverberation", ("signal", "band_hz"), BY_BAND),
    "learned_room": StudyTable("dereverberation", ("response", "band_hz"), ROOM),
    "acoustic_transfer": StudyTable("dereverberation", ("response",), CLOSENESS),
    "acoustic_transfer_bands": StudyTable("dereverberation", ("response", "band_hz"), BY_BAND),
    "timbre_transfer": StudyTable("timbre_transfer", ("instrument",), TRANSFER),
    "phase": StudyTable("phase", ("version",), VERSIONS),
}
# the line that the others' paired differences are taken from
BASES = {"extrapolation": "0", "dereverberation": "wet", "acoustic_transfer": "dry"}


def runs_of(project: Project, table: str) -> dict[str, tuple[str, int]]:
    """Map each file of a table's rows to its experiment and seed."""
    experiments = project.params[TABLES[table].stage]["experiments"]
    return {
        f"{table}-{name}-{seed}": (name, seed)
        for name in experiments
        for seed in project.params["seeds"]
    }


def tables_of(project: Project) -> list[str]:
    """Return the tables that params.yaml asks for."""
    return [table for table in TABLES if runs_of(project, table)]


def no_studies(project: Project) -> str:
    """Return why checks of the studies cannot run; empty if they can."""
    return "" if tables_of(project) else "params.yaml has no studies"


def lines_of(rows: Columns, table: str) -> dict[tuple[str, ...], np.ndarray]:
    """Map each line of a table, named as in the CSV, to a mask of its rows.

    Lines are in the order of their first row.
    """
    columns = [[line_name(value) for value in rows[key]] for key in TABLES[table].keys]
    names = list(zip(*columns))
    return {line: np.array([name == line for name in names]) for line in dict.fromkeys(names)}


def line_name(value: object) -> str:
    """Format a value as the CSV names a line: whole numbers have no decimal point."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
