"""The page Lessons: six lessons of ten minutes."""
