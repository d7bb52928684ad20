"""Money as people read it: amounts are whole numbers of hundredths, everywhere."""

import re
from decimal import Decimal

#: Currencies whose minor unit is no hundredth (ISO 4217, list one): they have none, or
#: thousandths, or ten-thousandths. 19.99 would be charged as 1999, or as 1.999.
WITHOUT_HUNDREDTHS = """
    BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    BHD IQD JOD KWD LYD OMR TND
    CLF UYW
"""


def money(cents: int, currency: str) -> str:
    """Write an amount as people do: 1999 USD is "19.99 USD"."""
    return f"{Decimal(cents).scaleb(-2):,f} {currency}"


def why_not(currency: str) -> str:
    """Say why nothing can be sold for this currency, or nothing."""
    if not re.fullmatch("[A-Z]{3}", currency):
        return "must be three capital letters (ISO 4217)"
    if currency in WITHOUT_HUNDREDTHS.split():
        return "has no hundredths, in which all amounts are counted here"
    return ""
