"""Jobs as staff see them: what runs where, what is parked and why, and a way to try that again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django_tasks_db.admin import DBTaskResultAdmin

from matinee.core.jobs import queue
from matinee.core.jobs.models import Job, Schedule

if TYPE_CHECKING:
    ScheduleAdminBase = admin.ModelAdmin[Schedule]
else:
    ScheduleAdminBase = admin.ModelAdmin

admin.site.unregister(Job)


@admin.register(Job)
class JobAdmin(DBTaskResultAdmin):
    """Parked jobs are those that failed; nothing can be edited, only tried again."""

    list_display = ("task_path", "status", "tries", "enqueued_at", "started_at", "finished_at", "queue_name", "holder")
    list_filter = ("status", "queue_name", "task_path")
    list_select_related = ("lease",)
    search_fields = ("task_path", "exception_class_path")
    actions = ("try_again",)

    @admin.action(description="Try the parked ones again", permissions=["try_again"])
    def try_again(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        queued = queue.requeue(jobs, now=timezone.now())
        self.message_user(request, f"{queued} parked jobs are queued again.")

    def has_try_again_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("django_tasks_database.change_dbtaskresult"))

    @admin.display(description="tries")
    def tries(self, job: Job) -> int:
        return len(job.worker_ids)

    @admin.display(description="runs at")
    def holder(self, job: Job) -> str:
        return job.lease.worker_id if hasattr(job, "lease") else "-"


@admin.register(Schedule)
class ScheduleAdmin(ScheduleAdminBase):
    """When each periodic job is due; setting the time to now runs it at once."""

    list_display = ("name", "next_run_at")
    readonly_fields = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False
