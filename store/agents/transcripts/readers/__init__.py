"""How each agent's session files are read: one format a module, all to the same items."""
