"""Short texts of the registry as HTML: what stands between backticks is code."""

import re

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
CODE = re.compile(r"`([^`]+)`")


@register.filter
def code_spans(text: str) -> SafeString:
    marked = CODE.sub(r"<code>\1</code>", escape(text))
    return mark_safe(marked)  # noqa: S308 - escaped in the line above
