"""The audit: what the reports say, found out again by another way.

It trusts nothing that made the reports: apart from `resynthesis` and `stick`, which must run the models and the metrics they look into,
no module here imports the rest of the package; tables are recomputed with NumPy from the rows' Parquet files, hashes are taken anew, the
paper's figures are a copy of its own. Each check says what it looked at, how many, and whether it holds.
"""
