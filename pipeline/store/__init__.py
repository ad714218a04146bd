"""The database under the pipeline: calls with their state, hearings, scorecards, publications, roster, runs.

`database.open_database` opens it; every other function is one transaction.
"""
