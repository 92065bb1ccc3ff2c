"""The screen: a timeline browser over the store. Nothing headless imports it."""
