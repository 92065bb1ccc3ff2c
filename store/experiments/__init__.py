"""Experiments: try approaches side by side, check them, rank them, promote one."""
