"""``tfpt-tui manual``: how everything works, by topic."""

from __future__ import annotations

import click

from tfpt_tui.cli.invocation import show
from tfpt_tui.manual import TOPICS, read_topic, title_of


@click.command()
@click.argument("topic", required=False)
def manual(topic: str | None) -> None:
    """Print a TOPIC of the manual as Markdown, or list the topics.

    \b
    Example:
      tfpt-tui manual compare
    """
    if topic:
        show(read_topic(topic))
        return
    width = max(map(len, TOPICS))
    show("".join(f"{name:<{width}}  {title_of(name)}\n" for name in TOPICS))
