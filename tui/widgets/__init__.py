"""What is drawn: each widget shows what it is given and says what happened."""
