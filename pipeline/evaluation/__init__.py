"""Measurements: metrics, the rows of Table 1, and one module of rows for each study."""
