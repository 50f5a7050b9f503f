"""Files: published instances, VROOM JSON, CSV days, plans."""
