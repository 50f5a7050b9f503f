"""Questions about a plan: why not, what else, and what a change would do."""
