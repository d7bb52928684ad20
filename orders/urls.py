"""The API's addresses, with their trailing slash; the project adds those without."""

from django.urls import path

from orders import login, views

urlpatterns = [
    path("api/orders/", views.OrdersView.as_view(), name="orders"),
    path("api/orders/<uuid:order_id>/", views.OrderView.as_view(), name="order"),
    path("api/orders/<uuid:order_id>/cancel/", views.CancelView.as_view()),
    path(
        "api/orders/<uuid:order_id>/confirm-delivery/",
        views.ConfirmDeliveryView.as_view(),
    ),
    path("api/orders/<uuid:order_id>/payment/", views.PaymentView.as_view()),
    path("api/orders/<uuid:order_id>/timeline/", views.TimelineView.as_view()),
    path("api/products/", views.ProductsView.as_view()),
    path("api/auth/login/", login.LoginView.as_view()),
    path("api/auth/logout/", login.LogoutView.as_view()),
    path("api/auth/logout-all/", login.LogoutAllView.as_view()),
]
