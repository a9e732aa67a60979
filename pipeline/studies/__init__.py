"""The paper's experiments that have no table there, measured: each is a stage that plays models otherwise than on their
own test examples, rows that `score` makes of the result, and a table.
"""
