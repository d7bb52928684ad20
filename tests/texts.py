"""Texts that tear apart what is joined, quoted, escaped or parsed carelessly."""

#: Small, and more than a parser's stack holds.
DEEP = f'{{"type": "order.paid", "data": {{"a": {"[" * 2_000}{"]" * 2_000}}}}}'

AWKWARD = ("two\nlines", "a \\n that is none", 'it\'s "quoted"', "100%s", "")
