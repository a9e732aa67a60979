"""The audit: what the reports say, found out again by another way.
It trusts nothing that made the reports. Only `resynthesis`, `replayed` and `known_answers` import the rest of
the package, because they run the models, the studies and the metrics that they check. Tables are
recomputed with NumPy from the rows' Parquet files, hashes are taken again, the paper's figures are
a copy of its own. Each check says what it looked at, how many, and whether it holds.
"""
