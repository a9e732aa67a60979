"""Data sets made from their sources: notes, violin, folder, NSynth, and the parts that these are
made of.
"""
