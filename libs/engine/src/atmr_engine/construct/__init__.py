"""First plans: nearest vehicle, cheapest insertion, insertion by regret."""
