"""The audit: check what the reports state, by a second path.

It trusts nothing that made the reports. Only three modules import other rooms, because they run
the models, studies and metrics that they check: `resynthesis`, `replayed` and `known_answers`.
Tables are recomputed with NumPy from the Parquet files of rows, files are hashed again, and the
paper's figures are a copy that only the audit uses. Each check states what it looked at, how many
items that was, and whether the claim holds.
"""
