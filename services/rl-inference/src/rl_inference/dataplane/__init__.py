"""Which version answers, what is computed together, and until when: nothing of transport."""
