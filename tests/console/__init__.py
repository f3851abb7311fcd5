"""What holds for each page of the console, whichever app's: who opens it, its cost, its rows."""
