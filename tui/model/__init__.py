"""Pure shapes behind the widgets; imports neither Textual nor the store's machinery."""
