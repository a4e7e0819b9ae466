"""The worker against a plain script of the same work: every framework, track and measure; about an hour."""

from tfpt_tui.cli.invocation import table_text
from tfpt_tui.config.paths import find_paths
from tfpt_tui.config.settings import load_settings
from tfpt_tui.config.tracks import TRACKS
from tfpt_tui.results.comparison.neutrality import check_neutrality, neutrality_table
from tfpt_tui.runs.tasks.neutrality_evidence import all_cases


def main():
    cases = all_cases(tuple(TRACKS), "cpu")
    found = []
    for one in check_neutrality(cases, load_settings(find_paths().settings), print):
        found.append(one)
        print(table_text(neutrality_table([one])), flush=True)
    print(table_text(neutrality_table(found)))
