"""Texts that tear apart what is joined, quoted or escaped carelessly."""

AWKWARD = ("two\nlines", "a \\n that is none", 'it\'s "quoted"', "100%s", "")
