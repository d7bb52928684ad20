"""Every address of the site. The apps' own pages are in their urls.py."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from orders import urls as orders
from orders.views import OrdersView
from orders_project import health, metrics

admin.site.site_header = admin.site.site_title = "Waybill"

handler400 = "orders_project.errors.bad_request"
handler403 = "orders_project.errors.forbidden"
handler404 = "orders_project.errors.not_found"
handler500 = "orders_project.errors.server_error"


def slashless(patterns: Iterable[URLPattern]) -> Iterator[URLPattern]:
    """Yield the same pages without the trailing slash; the API's page hides them.

    Not by a redirect: that would turn a POST into a GET.
    """
    for pattern in patterns:
        view: Any = pattern.callback
        again = view.cls.as_view(**view.initkwargs | {"schema": None})
        yield path(str(pattern.pattern).rstrip("/"), again)


API = [
    *orders.urlpatterns,
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    *API,
    *slashless(API),
    # As the documents call it.
    path("orders", OrdersView.as_view(schema=None)),
    path("orders/", OrdersView.as_view(schema=None)),
    path("healthz", health.alive),
    path("healthz/", health.alive),
    path("readyz", health.ready),
    path("readyz/", health.ready),
    path("metrics", metrics.metrics),
    path("", RedirectView.as_view(pattern_name="docs")),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
]
