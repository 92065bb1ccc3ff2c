"""Timelines shared through any git server: remotes, what is pushed to them, what is fetched.

A workspace's sealed history is pushed under `refs/stepwell/WORKSPACE/`, beside whatever else the
server holds. What others pushed is fetched into mirrors, one for each of their workspaces, and is
hostile until `fetched.py` has checked it as a bundle is checked.
"""
