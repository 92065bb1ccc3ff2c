"""Files of code that agents load: they are shipped as they are, but for the words of our hook."""
