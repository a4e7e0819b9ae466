"""What runs inside a framework's interpreter. Nobody imports it: the launcher executes ``launch.py``.

It needs the standard library, numpy, Pillow and one framework, and of our package only ``config``, ``events``,
``errors``, ``documents``, ``files``, ``lifeline`` and ``counters``. ``pytorch`` and ``tensorflow`` have the same
files with the same functions in the same order, so that the two arms of a comparison can be read side by side.
"""
