"""Which towers are held out and which days are labelled, scored and counted."""
