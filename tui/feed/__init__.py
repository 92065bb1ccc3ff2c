"""What the screens read: pages, previews and live changes, loaded by workers."""
