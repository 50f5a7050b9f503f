"""The development issuer: signs tokens with a key of its own, and exists in standalone only."""
