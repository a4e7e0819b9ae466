"""TensorFlow: ``backend.toml`` says what the program knows of it, the modules keep to ``backends/contract.py``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for mypy: nothing of this is ever executed
    import keras

    from tfpt_tui.backends import contract
    from tfpt_tui.backends.tensorflow import (
        cifar_reader,
        data,
        model,
        parity_evidence,
        probe,
        profiler,
        runtime,
        training,
        variables,
    )
    from tfpt_tui.backends.tensorflow.best import data as best_data
    from tfpt_tui.backends.tensorflow.best import training as best_training
    from tfpt_tui.backends.tensorflow.documented import data as documented_data
    from tfpt_tui.backends.tensorflow.documented import training as documented_training
    from tfpt_tui.backends.tensorflow.published import data as published_data
    from tfpt_tui.backends.tensorflow.published import training as published_training

    DataModule = contract.Data[data.Data, str]
    TrainingModule = contract.Training[data.Data, keras.Sequential, training.Step, str]
    _data: tuple[DataModule, ...] = (data, published_data, documented_data)
    _training: tuple[TrainingModule, ...] = (training, published_training, documented_training)
    _best_data: contract.Data[best_data.PackedData, str] = best_data
    _best_training: contract.Training[best_data.PackedData, keras.Sequential, best_training.LoopStep, str] = (
        best_training
    )
    _model: contract.Model[keras.Sequential, str] = model
    _runtime: contract.Runtime[data.Data, training.Step, str] = runtime
    _variables: contract.Variables = variables
    _parity_evidence: contract.ParityEvidence[data.Data, keras.Sequential, training.Step, str] = parity_evidence
    _probe: contract.Probe = probe
    _profiler: contract.Profiler[str] = profiler
    _cifar_reader: contract.CifarReader = cifar_reader
