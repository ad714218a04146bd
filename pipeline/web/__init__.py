"""The review workbench: where monitors, agents and supervisors work in a browser."""
