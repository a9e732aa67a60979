"""Measure: metrics, the rows of Table 1, and the rows of each study in one module."""
