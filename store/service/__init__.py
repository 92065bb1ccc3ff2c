"""What runs in the background for a workspace: its daemon."""
