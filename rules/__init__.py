"""Judging: the scoring standard as data, the normal form of text, operators, judge and scoring.

Imports `zhijian.models.records` only and runs without torch.
"""
