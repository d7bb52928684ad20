"""How Waybill speaks to PostgreSQL: in sets, by key, and never waiting for ever."""
