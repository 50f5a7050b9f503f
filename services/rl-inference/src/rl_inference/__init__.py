"""Serves models: a transport-free data plane, and thin doors onto it."""
