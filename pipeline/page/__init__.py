"""The page: the reports with their sound, in one folder that opens from disk. Stage `sounds` makes
what is heard and its pictures, stage `page` the rest, in seconds.
"""
