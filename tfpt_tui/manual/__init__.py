"""The manual: a Markdown file for each topic, for ``tfpt-tui manual`` and the app's help.

What stands between ``<!-- NAME: generated -->`` and ``<!-- end of NAME -->`` is made from the code by
``python -m tests.test_manual``, and a test sees to it that it is current.
"""

from __future__ import annotations

import re
from pathlib import Path

from tfpt_tui.config.schema import nearest
from tfpt_tui.errors import UsageError

# In the order in which they are listed.
TOPICS = (
    "datasets",
    "settings",
    "presets",
    "files",
    "compare",
    "method",
    "fastest",
    "environments",
    "machines",
    "terminals",
    "keys",
)


def title_of(topic: str) -> str:
    """The heading of a topic."""
    return _path(topic).read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")


def read_topic(topic: str) -> str:
    """The Markdown of a topic.

    Raises:
        UsageError: there is no such topic.
    """
    if topic not in TOPICS:
        raise UsageError(f"no topic {topic!r}{nearest(topic, list(TOPICS))}; there are {', '.join(TOPICS)}")
    return re.sub(r"<!--.*?-->\n", "", _path(topic).read_text(encoding="utf-8"))


def _path(topic: str) -> Path:
    return Path(__file__).with_name(f"{topic}.md")
