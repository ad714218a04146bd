"""The verbs: stages, the flow, the database, the ledger, settings and the command line."""
