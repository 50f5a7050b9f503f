"""A plan held ready for bookings that arrive: offers, insertion, ejection chains."""
