"""PyTorch: ``backend.toml`` says what the program knows of it, the modules keep to ``backends/contract.py``."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for mypy: nothing of this is ever executed
    import torch
    from torch import nn

    from tfpt_tui.backends import contract
    from tfpt_tui.backends.pytorch import (
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
    from tfpt_tui.backends.pytorch.best import data as best_data
    from tfpt_tui.backends.pytorch.best import training as best_training
    from tfpt_tui.backends.pytorch.documented import data as documented_data
    from tfpt_tui.backends.pytorch.documented import training as documented_training
    from tfpt_tui.backends.pytorch.published import data as published_data
    from tfpt_tui.backends.pytorch.published import training as published_training

    DataModule = contract.Data[data.Data, torch.device]
    TrainingModule = contract.Training[data.Data, nn.Module, training.Step, torch.device]
    _data: tuple[DataModule, ...] = (data, published_data, documented_data)
    _training: tuple[TrainingModule, ...] = (training, published_training, documented_training)
    _best_data: contract.Data[best_data.PackedData, torch.device] = best_data
    _best_training: contract.Training[
        best_data.PackedData, nn.Module, training.Step | best_training.GraphStep, torch.device
    ] = best_training
    _model: contract.Model[nn.Module, torch.device] = model
    _runtime: contract.Runtime[data.Data, training.Step, torch.device] = runtime
    _variables: contract.Variables = variables
    _parity_evidence: contract.ParityEvidence[data.Data, nn.Module, training.Step, torch.device] = parity_evidence
    _probe: contract.Probe = probe
    _profiler: contract.Profiler[torch.device] = profiler
    _cifar_reader: contract.CifarReader = cifar_reader
