"""A quantity over time: is it steady, and if it moved, did the process or the method?"""
