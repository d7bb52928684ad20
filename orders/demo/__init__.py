"""What run_demo and place_orders need: data, customers, figures. No part of a shop."""
