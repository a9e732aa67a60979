"""Comparison of every module with the authors' packages and with closed forms: `make conformance`.

`table` lists the comparisons, runs them and writes reports/conformance.csv and .md. Each comparison
is one function that yields rows; `closed_form_*` modules need nothing but this project, and
`beside_*` modules ask the authors' 0.0.6 and 3.7.0, which run in environments of their own.
"""
