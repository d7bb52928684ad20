"""Parcels: booked at a carrier, prepared, handed over and delivered."""
