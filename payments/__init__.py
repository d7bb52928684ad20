"""Money: charged through a gateway or collected at the door, and given back."""
