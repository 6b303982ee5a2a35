"""Image files made to cost as much as they can, and what holds them to the budget."""
