"""What error pages and mails about errors leave out beside what Django does."""

import re

from django.views.debug import SafeExceptionReporterFilter

DJANGOS = SafeExceptionReporterFilter.hidden_settings.pattern


class WithoutAddresses(SafeExceptionReporterFilter):
    """Addresses of servers have a password in them, in settings and environment."""

    hidden_settings = re.compile(f"{DJANGOS}|_URL", re.IGNORECASE)
