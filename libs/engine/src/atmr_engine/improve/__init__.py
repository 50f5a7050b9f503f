"""Better plans: ruin and recreate, and set partitioning over a pool of routes."""
