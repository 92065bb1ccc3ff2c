"""How things look: glyphs, colours, numbers and times as text. Imports no Textual."""
