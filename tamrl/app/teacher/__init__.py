"""The page Teacher: notes on the lessons, and the results of a class as they come in."""
