"""Tables of the studies: which lines and metrics each has, its cells from its rows, and what it says of itself."""

from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.cells import Metric, TabulateConfig, aggregate, format_cell, row_files
from pipeline.command import UserError
from pipeline.files import write_text

FOLLOWING = (
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
    Metric("outlier_frames", "F0 outliers (frames)", "frames_outlier", "frames_pitched", share=True),
)
CENTROID = Metric("centroid_hz", "Spectral centroid (Hz)", "centroid_hz")


class Study(NamedTuple):
    """A table: a line per experiment and distinct values of the columns `lines` of its rows, a column per metric."""

    name: str
    stage: str  # whose work is scored
    title: str
    lines: tuple[str, ...]
    metrics: tuple[Metric, ...]
    about: str


CONTROL = Study("control", "control", "Independent control", ("varied",), (
    *FOLLOWING,
    Metric("spearman", "Monotonicity (Spearman)", "spearman"),
    Metric("largest_step", "Largest step", "largest_step"),
), (
    "Pairs of test notes of different instruments; one feature goes from the first note's to the second's in equal steps, the others stay "
    "the first note's. L1 and outliers: measured on the resynthesis against the conditioning, over all steps; what is varied and what is "
    "held alike. The last two are about the clips' means of what is varied, as measured (loudness; f0 in semitones; for z the spectral "
    "centroid in semitones). Monotonicity: rank correlation with the step, above 0 where it goes the way of the conditioning; for z, where "
    "the way is not known beforehand, the way of the last step against the first, so that 5 steps in random order would have 0.4 in the "
    "mean. Largest step: its share of the whole way, back and forth: 0.25 if even, 1 if it jumps."
))  # fmt: skip
EXTRAPOLATION = Study("extrapolation", "extrapolation", "Extrapolation of f0", ("octaves",), (
    *FOLLOWING, CENTROID,
    Metric("centroid_harmonics", "Centroid / f0", "centroid_harmonics"),
    Metric("beyond_frames", "Beyond the tracker's range (frames)", "frames_beyond", "frames_asked", share=True),
), (
    "Test examples with their f0 moved by octaves, loudness as it was. F0 L1 and outliers count the frames that CREPE can track at all "
    "(32.7 to 1975.5 Hz); the rest is the last column. A sound that keeps its spectrum keeps the centroid in Hz, one that is merely "
    "played faster keeps it in multiples of f0."
))  # fmt: skip
TIMBRE_TRANSFER = Study("timbre_transfer", "timbre_transfer", "Timbre transfer", ("instrument",), (
    Metric("rpa", "RPA", "rpa"),
    Metric("rpa_asked", "RPA of the f0 asked for", "rpa_asked"),
    Metric("rca", "RCA", "rca"),
    Metric("f0_l1", "F0 L1 (semitones)", "f0_l1"),
    Metric("outlier_frames", "F0 outliers (frames)", "frames_outlier", "frames_pitched", share=True),
    Metric("source_rpa_true", "Source: RPA vs true f0", "source_rpa_true"),
    Metric("rca_true", "RCA vs true f0", "rca_true"),
    Metric("loudness_correlation", "Loudness correlation", "loudness_correlation"),
    Metric("loudness_correlation_asked", "Loudness correlation of the loudness asked for", "loudness_correlation_asked"),
    Metric("loudness_l1_db", "Loudness L1 (dB)", "loudness_l1_db"),
    Metric("timbre_source_to_training", "Timbre: source to training", "timbre_source_to_training"),
    Metric("timbre_to_training", "Timbre: output to training", "timbre_to_training"),
    Metric("timbre_to_source", "Timbre: output to source", "timbre_to_source"),
), (
    "Dry lines of other instruments, from scores that no training split holds, drive the model: violin parts, moved by octaves where an "
    "instrument's range asks for it. As the authors do, f0 is moved by octaves, here those that bring a line's median pitch nearest to the "
    "training data's (their demo: the mean, and rounded up below 1.5); and, as in the paper, the source is put into the room that the "
    "model learned before its loudness is taken. "
    "Then loudness gets the mean and standard deviation of the training data's over the frames above -70 dB, quieter frames stay as they "
    "are (their demo: quantiles, and 20 dB less between notes). Windows of 4 s. RPA, RCA (50 cents), F0 L1 and outliers: the output "
    "against CREPE's f0 of the source, moved by the octaves, where its confidence on the source is at least 0.85; the f0 asked for is "
    "the smaller CREPE's, which all models are conditioned on. Against the true f0: CREPE on the source, and the output but for octaves; "
    "where the first is low CREPE was misled, and the octaves are chosen by what it heard. "
    "Loudness correlation: Pearson's with the dry source's loudness over its frames above -70 dB; L1: to the loudness asked for. Timbre: "
    "12 MFCCs (13 without the first, 40 mel bands), mean over sounding frames, in standard deviations between training clips; distance: "
    "root of the mean square over the 12; training: the mean of the training clips. For scale the last line: real test clips as source "
    "and their resynthesis as output, which are not tracked."
))  # fmt: skip
PHASE = Study("phase", "phase", "Phase invariance", ("version",), (
    Metric("waveform_distance", "Waveform distance", "waveform_distance"),
    Metric("spectral_loss", "Spectral loss", "spectral_loss"),
    Metric("spectral_loss_to_original", "Spectral loss to the original", "spectral_loss_to_original"),
), (
    "Each test note resynthesized with the same controls: as always (first), with random initial phases of its harmonics, with other noise. "
    "Distances are to the first; the waveform's is the root of the difference's energy over that of the first one's (0: equal; root of 2: "
    "as far as any other sound of the same energy)."
))  # fmt: skip
TABLES = (CONTROL, EXTRAPOLATION, TIMBRE_TRANSFER, PHASE)


def read_rows(folder: Path, study: Study) -> pd.DataFrame | None:
    """The rows of a study, all experiments and seeds; None where it was made with none."""
    paths = sorted(folder.glob(f"{study.name}-*.parquet"))
    return pd.concat([pd.read_parquet(path) for path in paths], ignore_index=True) if paths else None


def check_rows(rows: pd.DataFrame, study: Study, runs: set[tuple[str, int]]) -> None:
    """Stop unless the rows are of exactly these experiments and seeds, and the same lines and examples in each."""
    found = set(zip(rows.experiment, rows.seed))
    if found != runs:
        raise UserError(f"rows: {study.name}: holds {sorted(found)}, params.yaml names {sorted(runs)}; run `dvc repro score`")
    for experiment, mine in rows.groupby("experiment"):
        expected = None
        for seed, group in mine.groupby("seed"):
            held = sorted(group[[*study.lines, "example_id"]].astype(str).agg(" ".join, axis=1))
            expected = expected or held
            if held != expected:
                raise UserError(f"rows: {study.name}: {experiment}, seed {seed}: other lines or examples than another seed's; run `dvc repro score`")


def study_cells(rows: pd.DataFrame, study: Study, config: TabulateConfig) -> pd.DataFrame:
    """Long table: a line per experiment, line and metric, in the order of the rows."""
    cells = []
    for keys, mine in rows.groupby(["experiment", *study.lines], sort=False):
        of_line = dict(zip(("experiment", *study.lines), keys)) | {"seeds": mine.seed.nunique()}
        behind = " ".join(f"{study.name}-{name}" for name in row_files(mine).split())
        cells += [of_line | {"metric": metric.name} | aggregate(mine, metric, config) | {"rows": behind} for metric in study.metrics]
    return pd.DataFrame(cells)


def named_rows(cells: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The cells with the name of their line in metrics.json, `row`."""
    names = cells[["experiment", *study.lines]].astype(str).agg("/".join, axis=1)
    return cells.assign(row=f"{study.name}/" + names.str.replace(".", "_"))  # DVC takes a dot for a level


def write_study_tables(rows: Path, params: dict, config: TabulateConfig, folder: Path) -> list[pd.DataFrame]:
    """Write the table of every study that params.yaml asks for; returns their cells, named."""
    written = []
    for study in TABLES:
        runs = {(experiment, seed) for experiment in params[study.stage]["experiments"] for seed in params["seeds"]}
        found = read_rows(rows, study)
        if runs or found is not None:
            found = pd.DataFrame(columns=["experiment", "seed", *study.lines]) if found is None else found
            check_rows(found, study, runs)
            cells = study_cells(found, study, config)
            write_study_table(cells, study, folder)
            written.append(named_rows(cells, study))
    return written


def write_study_table(cells: pd.DataFrame, study: Study, folder: Path) -> None:
    """Write NAME.csv (full precision), .md and .tex (rounded by their intervals)."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{study.name}.csv", cells.to_csv(index=False))
    layout = pd.DataFrame([_line(keys, mine.set_index("metric"), study) for keys, mine in cells.groupby(["experiment", *study.lines], sort=False)])
    write_text(folder / f"{study.name}.md", (
        f"# {study.title}\n\n{study.about} Value [95 % interval over clusters: recorded samples, pieces] n=number of examples in which the "
        f"figure is defined.\n\n{layout.to_markdown(index=False, disable_numparse=True)}\n\nAt full precision, with the rows behind each "
        f"cell: {study.name}.csv.\n"))  # fmt: skip
    shape = "l" * (1 + len(study.lines)) + "r" * len(study.metrics)
    write_text(folder / f"{study.name}.tex", layout.to_latex(index=False, escape=True, column_format=shape))


def _line(keys: tuple, cells: pd.DataFrame, study: Study) -> dict[str, str]:
    names = dict(zip(("Experiment", *(key.capitalize() for key in study.lines)), map(str, keys)))
    return names | {metric.label: format_cell(cells.loc[metric.name]) for metric in study.metrics}
