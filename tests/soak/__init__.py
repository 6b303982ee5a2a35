"""One warm process through a great many requests, good and bad: nothing grows, every answer is the right one."""
