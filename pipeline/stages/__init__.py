"""A stage is a plain function: what came before in, its result into the database or the output folder; no Prefect."""
