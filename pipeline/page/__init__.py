"""The page: the reports with their sound, in one folder that opens from disk.

Stage `sounds` makes the sounds and their spectrograms; stage `page` makes the rest in seconds.
"""
