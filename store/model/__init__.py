"""Values: what a step, a change, a plan and an error are. Imports nothing else of the project."""
