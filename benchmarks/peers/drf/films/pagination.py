from math import ceil

from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response


class Pages(PageNumberPagination):
    page_size = 20
    page_size_query_param = "page_size"
    max_page_size = 100

    def get_paginated_response(self, data):
        total, size = self.page.paginator.count, self.page.paginator.per_page
        return Response(
            {
                "page": self.page.number,
                "page_size": size,
                "total_pages": ceil(total / size),
                "total_results": total,
                "next": self.get_next_link(),
                "previous": self.get_previous_link(),
                "results": data,
            }
        )
