"""The database under the pipeline: calls with their state, hearings, scorecards, publications, roster, runs.

`database.open_database` opens it. A function that takes the engine is one transaction, one that takes a connection is
part of its caller's.
"""
