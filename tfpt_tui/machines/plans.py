"""A plan as it is sent to another machine, and read there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from tfpt_tui.config.schema import RunConfig
from tfpt_tui.documents import DocumentError, build
from tfpt_tui.errors import UsageError
from tfpt_tui.runs.plan.plan import Plan


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON has it."""
    return dataclasses.asdict(plan)


def plan_from(document: Mapping[str, object], places: Mapping[str, str]) -> Plan:
    """The plan of a document, with the directories of this machine in the ``places`` of those that it names.

    Raises:
        UsageError: it is not a plan, or a configuration is refused here.
    """
    try:
        plan = build(Plan, document)
    except DocumentError as error:
        raise UsageError(f"the plan: {error}") from None
    runs = []
    for run in plan.runs:
        settings = {**run.config.to_mapping(), "data": places.get(run.config.data, run.config.data)}
        config = RunConfig.from_mapping(settings, f"row {run.row}")
        runs.append(dataclasses.replace(run, config=config))
    return dataclasses.replace(plan, runs=tuple(runs))
