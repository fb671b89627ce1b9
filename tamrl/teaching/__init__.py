"""What is computed for the lessons: facts, answers and their marks, and the results of a class. No streamlit."""
