"""What every backend does before the clock starts, and what it must leave behind: nothing.

``warm_up`` of a backend's ``training`` takes :data:`STEPS` whole training steps, the optimiser's part included,
for every batch size of the training data. The batches are zeros, with the shapes, types and layout of the real
feed, so that whatever is traced, compiled, tuned or allocated at the first steps of a shape happens here and not
in the first epoch. Then weights, running statistics and the optimiser's state get back, bit for bit, the values
that they had.

It may use nothing that the training itself does not use. ``tf.data.Dataset.from_generator`` is why: making one
changes malloc for the rest of the process ("Memory patch applied: M_TRIM_THRESHOLD" in the log of TensorFlow
2.21), after which every activation is page-faulted anew and training takes 2 to 4 times as long. The warm-up of
version 0.1 did that. ``tfpt-tui parity --neutrality`` looks for the next such fault.
"""

from __future__ import annotations

# cuDNN and oneDNN choose at the first step of a shape, allocators settle at the second; one to spare.
STEPS = 3
