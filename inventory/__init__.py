"""Stock: what is on hand, what is held for orders, what is sold."""
