"""The other servers of the serving benchmark, each the way its users write it."""
