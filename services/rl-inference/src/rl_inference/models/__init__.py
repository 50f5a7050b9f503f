"""Models on disk and in memory: the repository, what is checked of a version, sessions."""
