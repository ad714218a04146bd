"""The points ledger (积分台账): append-only, hash-chained, exact, idempotent. From the ground up:

`entries` what is in it · `chain` the only way in, and the proof that nothing was changed · `scheme`, `formula` the
schemes as data · `months` what is closed · `standing` what was posted and not reversed · `posting` credits and
reversals under the limits · `settlement` making it say what is true now · `daily_mean`, `figures` what is reckoned ·
`records`, `by_hand` what tables and people bring · `sheets`, `closing` the month · `anchor`, `audit` what an auditor
asks.
"""
