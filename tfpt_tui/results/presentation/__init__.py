"""Results for people: charts, an HTML page, lists and the report of one run."""
