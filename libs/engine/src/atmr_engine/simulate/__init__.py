"""Made days, and days driven through noise under common random numbers."""
