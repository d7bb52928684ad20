"""The dead-letter desk in the admin."""

from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.text import capfirst

from orders_project.growing import Growing, ReadOnly, one_of
from orders_project.messaging.desk import rehearsal, selectors, services
from orders_project.messaging.events import EVENTS
from orders_project.messaging.models import DeadLetter
from orders_project.messaging.steps import STEPS
from orders_project.messaging.topology import CONSUMED

Letters = QuerySet[DeadLetter]


# ---- filters with choices from the code: asking the table for them takes a scan
class StatusFilter(admin.SimpleListFilter):
    title = parameter_name = "status"

    def lookups(self, *_args: object) -> list[tuple[str, str]]:
        named = [(name, capfirst(label)) for name, label in DeadLetter.Status.choices]
        return [*named, ("any", "Any")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        _all, *others = super().choices(changelist)
        others[0]["selected"] = self.value() in (None, DeadLetter.Status.OPEN)
        yield from others

    def queryset(self, _request: HttpRequest, letters: Letters) -> Letters:
        wanted = self.value() or DeadLetter.Status.OPEN
        return letters if wanted == "any" else letters.filter(status=wanted)


class CauseFilter(admin.SimpleListFilter):
    """Chosen on the page of causes, and shown only when it is."""

    title, parameter_name = "cause", "cause"

    def lookups(self, request: HttpRequest, *_args: object) -> list[tuple[str, str]]:
        cause = request.GET.get("cause", "")
        return [(cause, cause)] if cause else []

    def queryset(self, _request: HttpRequest, letters: Letters) -> Letters:
        return letters.filter(cause=self.value()) if self.value() else letters


class EditForm(forms.Form):
    """An event's data and nothing else: the rest is what makes it that event."""

    content = forms.CharField(
        label="data",
        widget=forms.Textarea(attrs={"rows": 24, "class": "vLargeTextField"}),
        strip=False,
    )
    reason = forms.CharField(widget=forms.TextInput(attrs={"class": "vTextField"}))
    seen = forms.CharField(widget=forms.HiddenInput)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnly, Growing):
    """Reading takes the view permission, and everything else the change permission."""

    list_display = (
        "parked",
        "queue",
        "type",
        "why",
        "since_then",
        "order_id",
    )
    list_filter = (
        StatusFilter,
        one_of("queue", lambda: [queue.name for queue in CONSUMED]),
        one_of("type", lambda: [*EVENTS, *sorted(STEPS)]),
        "parked",
        CauseFilter,
    )
    ids = ("order_id", "event_id")
    search_help_text = "The whole id of an order or of an event."
    # All are counted, in the index of the status: each of them is to be settled.
    paginator = Paginator
    # What is done to all letters is set-based, asked first, and noted with who and why.
    one_page_at_a_time = False
    actions = ("replay", "discard")
    fields = (
        *("queue", "type", "event_id", "order_id", "reason", "exception", "place"),
        *("attempts", "deaths", "first_failure", "last_failure", "status", "since"),
    )
    readonly_fields = fields

    # ---- list
    def get_queryset(self, request: HttpRequest) -> Letters:
        return super().get_queryset(request).defer("body", "original", "traceback")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        # Here, and not in the query that actions lock and that is counted.
        page = super().get_changelist_instance(request)
        shown = [letter.pk for letter in page.result_list]
        letters = self.get_queryset(request).filter(pk__in=shown).order_by("-pk")
        page.result_list = selectors.with_history(letters)
        return page

    @admin.display(description="reason", ordering="reason")
    def why(self, letter: DeadLetter) -> str:
        return letter.reason[:120]

    @admin.display(description="what happened since")
    def since_then(self, letter: DeadLetter) -> str:
        return selectors.since(letter)

    # ---- permissions
    def has_work_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("messaging.change_deadletter")

    # ---- replay and discard: for one, the selection, a cause, or all
    @admin.action(description="Replay", permissions=["work"])
    def replay(self, request: HttpRequest, letters: Letters) -> HttpResponse | None:
        return self._confirmed(request, letters, "replay", _replay)

    @admin.action(description="Discard", permissions=["work"])
    def discard(self, request: HttpRequest, letters: Letters) -> HttpResponse | None:
        return self._confirmed(request, letters, "discard", _discard)

    def _confirmed(
        self,
        request: HttpRequest,
        letters: Letters,
        verb: str,
        do: Callable[..., tuple[int, str]],
    ) -> HttpResponse | None:
        reason = request.POST.get("reason", "").strip()
        if "confirmed" in request.POST and reason:
            level, said = do(letters, who=request.user.get_username(), why=reason)
            messages.add_message(request, level, said)
            return _to(request.POST["back"]) if "back" in request.POST else None
        if "confirmed" in request.POST:
            messages.error(request, "Say why, for those who come after.")
        about = {"verb": verb, "count": letters.count(), "shown": letters[:5]}
        return self._page(request, "confirm", f"{verb.title()} dead letters", about)

    # ---- pages of our own
    def get_urls(self) -> list[URLPattern]:
        def page(route: str, view: Callable[..., HttpResponse]) -> URLPattern:
            name = f"messaging_deadletter_{view.__name__}"
            return path(route, self.admin_site.admin_view(view), name=name)

        ours = [
            page("causes/", self.causes),
            page("<int:number>/edit/", self.edit),
            page("<int:number>/dry-run/", self.dry_run),
        ]
        return ours + super().get_urls()

    def causes(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        about = {"groups": selectors.groups()}
        return self._page(request, "causes", "Dead letters by cause", about)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        letter = self.get_object(request, object_id)
        more = _about(letter) if letter else {}
        more["may_work"] = self.has_work_permission(request)
        return super().change_view(
            request, object_id, form_url, (extra_context or {}) | more
        )

    def edit(self, request: HttpRequest, number: int) -> HttpResponse:
        letter = self._letter(request, number)
        if refusal := services.why_not_editable(letter):
            messages.error(request, refusal)
            return _to(letter.pk)
        first = {"content": selectors.data_of(letter), "seen": services.version(letter)}
        form = EditForm(request.POST or None, initial=first)
        if form.is_valid() and _edited(request, letter, form):
            return _to(letter.pk)
        about = {"form": form, "letter": letter, "body": selectors.pretty(letter.body)}
        return self._page(request, "edit", f"Edit dead letter {number}", about)

    def dry_run(self, request: HttpRequest, number: int) -> HttpResponse:
        letter = self._letter(request, number)
        if request.method != "POST":
            return _to(letter.pk)
        try:
            about = {"letter": letter, "found": rehearsal.rehearse(letter)}
        except rehearsal.NotRehearsedError as error:
            messages.error(request, str(error))
            return _to(letter.pk)
        title = f"Dry run of dead letter {number}: nothing was changed"
        return self._page(request, "dry_run", title, about)

    def _letter(self, request: HttpRequest, number: int) -> DeadLetter:
        if not self.has_work_permission(request):
            raise PermissionDenied
        return get_object_or_404(DeadLetter, pk=number)

    def _page(
        self, request: HttpRequest, name: str, title: str, about: dict[str, Any]
    ) -> HttpResponse:
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "may_work": self.has_work_permission(request),
        }
        template = f"admin/messaging/deadletter/{name}.html"
        return TemplateResponse(request, template, common | about)


def _replay(letters: Letters, **by: str) -> tuple[int, str]:
    result = services.replay(letters, **by)
    moved = result.started or result.applied
    return messages.SUCCESS if moved else messages.WARNING, f"Replay: {result}."


def _discard(letters: Letters, **by: str) -> tuple[int, str]:
    if count := services.discard(letters, **by):
        return messages.SUCCESS, f"{count} discarded."
    return messages.WARNING, "Nothing was discarded: none of these letters is open."


def _edited(request: HttpRequest, letter: DeadLetter, form: EditForm) -> bool:
    given = form.cleaned_data
    try:
        change = services.edit(
            letter.pk,
            given["content"],
            seen=given["seen"],
            who=request.user.get_username(),
            why=given["reason"],
        )
    except services.EditError as error:
        form.add_error("content", str(error))
        return False
    messages.success(request, "The data was changed." if change else "Nothing changed.")
    return True


def _about(letter: DeadLetter) -> dict[str, Any]:
    """Return what a letter's page shows beside its fields."""
    return {
        "letter": letter,
        "body": selectors.masked(selectors.pretty(letter.body)),
        "difference": selectors.masked(services.change(letter)),
        "traceback": selectors.masked(letter.traceback),
        "history": letter.actions.all(),
        "timeline": selectors.timeline(letter.order_id),
        "not_editable": services.why_not_editable(letter),
    }


def _to(number: object) -> HttpResponse:
    page = reverse("admin:messaging_deadletter_change", args=[number])
    return HttpResponseRedirect(page)
