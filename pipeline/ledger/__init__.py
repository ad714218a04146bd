"""The points ledger (积分台账): append-only, hash-chained, exact, idempotent.

`entries` what is in it, `chain` the only way in and the proof that nothing was changed, `posting` credits and reversals
under the limits of a scheme, `scheme` the schemes as data, `daily_mean` the points of an agent's day.
"""
