"""Run all comparisons and write the table. `make conformance` needs minutes and, the first time,
the authors' packages from the package index.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from conformance import (
    beside_networks,
    beside_signals,
    closed_form_baselines,
    closed_form_harmonics,
    closed_form_metrics,
    closed_form_models,
    closed_form_networks,
    closed_form_resnet,
    closed_form_spectra,
)
from conformance.authors import Authors
from conformance.measure import DEPARTS, Row
from pipeline.common.cli import UserError, progress, run_stage
from pipeline.common.files import atomic, code_digest, write_text

CLOSED_FORMS: tuple[Callable[[], Iterator[Row]], ...] = (
    closed_form_harmonics.phase_cycles,
    closed_form_harmonics.harmonic_synthesis,
    closed_form_harmonics.envelopes,
    closed_form_harmonics.nyquist,
    closed_form_harmonics.sums_of_sines,
    closed_form_spectra.filtered_noise,
    closed_form_spectra.interpolations,
    closed_form_spectra.reverberation,
    closed_form_spectra.transforms,
    closed_form_spectra.overlaps,
    closed_form_spectra.losses,
    closed_form_spectra.loudness_curves,
    closed_form_spectra.companding,
    closed_form_networks.nonlinearities,
    closed_form_networks.mlps,
    closed_form_networks.recurrences,
    closed_form_networks.mfccs,
    closed_form_networks.normalizations,
    closed_form_networks.encoders,
    closed_form_models.autoencoder,
    closed_form_models.f0_encoders,
    closed_form_resnet.resnets,
    closed_form_models.objectives,
    closed_form_baselines.strided_convolutions,
    closed_form_baselines.spectrogram_models,
    closed_form_baselines.autoregression,
    closed_form_metrics.pitches,
    closed_form_metrics.f0_measures,
    closed_form_metrics.loudness_measures,
    closed_form_metrics.outliers,
    closed_form_metrics.whole_clips,
)
BESIDE_AUTHORS: tuple[Callable[[Authors], Iterator[Row]], ...] = (
    beside_signals.exp_sigmoid,
    beside_signals.harmonic_synthesis,
    beside_signals.envelopes,
    beside_signals.nyquist,
    beside_signals.filtered_noise,
    beside_signals.reverberation,
    beside_signals.spectral_losses,
    beside_signals.loudness_curves,
    beside_networks.f0_features,
    beside_networks.mlps,
    beside_networks.grus,
    beside_networks.decoders,
    beside_networks.mfccs,
    beside_networks.z_encoders,
    beside_networks.instance_normalizations,
    beside_networks.f0_encoders,
    beside_networks.resnets,
    beside_networks.perceptual_losses,
    beside_networks.parameter_counts,
    beside_networks.metric_values,
)
# the code under comparison; the audit compares its digest with the one in the table
SOURCES = (
    "dsp",
    "models",
    "evaluation/metrics.py",
    "evaluation/outliers.py",
    "features/loudness.py",
    "features/loudness_0_0_6.py",
)
COLUMNS = (*Row._fields, "sources")
DIFFERENCES = "../docs/differences.md"
INTRODUCTION = """# Conformance

Every public function and layer that computes, beside the authors' code and closed forms on equal
input. {same} of {count} rows agree within their tolerance; {departs} depart, each with a link to
the line that says why.

- **reference**: `0.0.6` is the authors' package of the paper's time, `3.7.0` their last release;
  both run in environments of their own. "Restated" means that the formula of that release was
  written out in `conformance/`, because that part of the package cannot be run. The other
  references are closed forms in float64, other libraries, adjoints, or another path to the same
  values.
- **difference**: the largest absolute difference, divided by the largest magnitude of the
  reference. "Gradient to x": of a random weighted sum of the results, with respect to x.
- The tolerances are those of float32, which holds 7 digits: 1e-5 for values and 1e-4 for gradients,
  and ten to fifty times more where a comment in `conformance/` says what loses digits.

Made by `make conformance`. The audit checks that no public function is missing, that verdicts
follow from differences, and that every departure has its line.
"""


def main(out: Path) -> None:
    """Write the CSV file OUT and a Markdown file of the same name."""
    sources = code_digest(*SOURCES)
    with Authors() as authors:
        rows = list(run_all(authors))
    rows.sort(key=lambda row: (row.module, row.reference, row.input))
    write_table(out, rows, sources)
    unexplained = sorted({row.module for row in rows if row.verdict == DEPARTS and not row.line})
    if unexplained:
        raise UserError(f"{out}: departs without a line: {', '.join(unexplained)}")


def run_all(authors: Authors) -> Iterator[Row]:
    """Yield the rows of all comparisons."""
    for comparison in progress(CLOSED_FORMS, "closed forms", unit="comparison"):
        yield from comparison()
    for comparison in progress(BESIDE_AUTHORS, "beside the authors", unit="comparison"):
        yield from comparison(authors)


def write_table(out: Path, rows: Iterable[Row], sources: str) -> None:
    """Write rows as CSV and Markdown."""
    with atomic(out) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((*row, sources) for row in rows)
    write_text(out.with_suffix(".md"), _markdown(list(rows)))


def _markdown(rows: list[Row]) -> str:
    counts = Counter(row.verdict for row in rows)
    departing = counts[DEPARTS]
    introduction = INTRODUCTION.format(
        count=len(rows), departs=departing, same=len(rows) - departing
    )
    lines = [
        introduction,
        "| module | what | input | reference | difference | tolerance | verdict |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_line(row) for row in rows]
    return "\n".join([*lines, ""])


def _line(row: Row) -> str:
    verdict = f"[{row.verdict}]({DIFFERENCES}#{row.line})" if row.line else row.verdict
    figures = [f"{row.difference:.1e}", f"{row.tolerance:.0e}"]
    return f"| `{row.module}` | {' | '.join([*row[1:4], *figures, verdict])} |"


if __name__ == "__main__":
    run_stage(main)
