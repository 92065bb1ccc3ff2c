"""Rules: what is checked as work goes on, and what follows when it went wrong."""
