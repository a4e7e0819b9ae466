"""Hand a plan to a supervisor, which runs it, one worker at a time, and records what happens."""
