"""What a session tried, failed at, and kept: gathered once, told as Markdown, JSON or a page."""
