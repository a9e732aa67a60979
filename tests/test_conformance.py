"""The comparison with closed forms: what agrees, what departs, and what a wrong formula gives. What
needs the authors' packages runs with `make conformance` alone.
"""

import numpy as np
import pytest
import tensorflow as tf

from conformance import formulas
from conformance.closed_form_harmonics import PHASE_TOLERANCE
from conformance.inputs import ODD, shares, uniform, vibrato_f0
from conformance.measure import (
    FLOAT64,
    Comparison,
    compare,
    compare_functions,
    relative_difference,
)
from conformance.table import CLOSED_FORMS, write_table
from conftest import ROOT
from pipeline.audit.conformance import DIFFERENCES, WITHOUT_ROWS, public_names, read_anchors
from pipeline.dsp.harmonic import harmonic_synthesis
from pipeline.models.networks import exp_sigmoid

GIVEN = Comparison("models.networks.exp_sigmoid", "random", FLOAT64, line="some-line")
INPUTS = {"x": uniform(-5, 5, 2, ODD)}


def verdicts(formula):
    rows = compare_functions(GIVEN, exp_sigmoid, formula, INPUTS)
    return {row.what: (row.verdict, row.line) for row in rows}


def test_the_right_formula_agrees_and_a_wrong_one_departs():
    departs = ("departs", "some-line")
    assert set(verdicts(formulas.exp_sigmoid).values()) == {("same", "")}
    wrong = verdicts(lambda x: 2 * tf.sigmoid(x) ** np.log(10) + 1e-4)
    assert wrong == {"values": departs, "gradient to x": ("same", "")}
    wrong = verdicts(lambda x: 1.001 * formulas.exp_sigmoid(x))
    assert set(wrong.values()) == {departs}


def test_a_wrong_window_departs():
    inputs = {"f0": vibrato_f0(10), "amplitude": uniform(0, 1, 2, 10)}
    inputs["distribution"] = shares(2, 10, 5)
    given = GIVEN._replace(tolerance=PHASE_TOLERANCE)
    for window, verdict in {"hann": "same", "hamming": "departs", "linear": "departs"}.items():
        rows = compare_functions(
            given,
            harmonic_synthesis,
            lambda *controls, window=window: formulas.harmonics(*controls, window),
            inputs,
        )
        assert next(rows).verdict == verdict


def test_the_difference_is_relative_to_the_references_largest_value():
    assert relative_difference([1.0, 3.9], [1.0, 4.0]) == pytest.approx(0.1 / 4)
    assert relative_difference([0.5], [0.0]) == 0.5
    assert relative_difference([np.nan, 1.0], [np.nan, 1.0]) == 0
    assert relative_difference([np.nan, 1.0], [0.0, 1.0]) == np.inf
    with pytest.raises(ValueError, match="shapes"):
        relative_difference([1.0], [1.0, 1.0])


def test_results_of_other_names_are_not_compared():
    with pytest.raises(ValueError, match="gradient to y"):
        list(compare(GIVEN, {"values": 1}, {"values": 1, "gradient to y": 2}))


def test_the_table_links_departures(tmp_path):
    (row,) = compare(GIVEN, 1.1, 1.0)
    write_table(tmp_path / "table.csv", [row], "digest")
    assert "[departs](../docs/differences.md#some-line) |" in (tmp_path / "table.md").read_text()
    assert (tmp_path / "table.csv").read_text().endswith(",departs,some-line,digest\n")


@pytest.fixture(scope="module")
def rows():
    return [row for comparison in CLOSED_FORMS for row in comparison()]


def test_all_closed_forms_agree_or_depart_by_name(rows):
    anchors = read_anchors(ROOT / DIFFERENCES)
    wrong = [row for row in rows if row.verdict != "same" and row.line not in anchors]
    assert wrong == []


def test_every_public_function_has_a_closed_form(rows):
    public = set(public_names(ROOT / "pipeline"))
    assert public - {row.module for row in rows} == WITHOUT_ROWS.keys()
