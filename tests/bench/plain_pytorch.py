"""The reference of tests/bench/training.py: a plain PyTorch script. Arguments: dataset, epochs, track.

For the track published it reads as the article does, with Pillow; else as PyTorch's documentation does today.
"""

import glob
import json
import os
import sys
import time

import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

data, epochs, track = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.manual_seed(25)
article = transforms.Compose(
    [
        transforms.Resize((32, 32)),
        transforms.ToTensor(),
        transforms.RandomHorizontalFlip(),
        transforms.RandomVerticalFlip(),
    ]
)
transform = v2.Compose(
    [
        v2.Resize((32, 32)),
        v2.ToDtype(torch.float32, scale=True),
        v2.RandomHorizontalFlip(),
        v2.RandomVerticalFlip(),
    ]
)


class Pictures(Dataset):
    def __init__(self):
        self.paths = sorted(glob.glob(f"{data}/train/*/*.jpg"))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        path = self.paths[index]
        label = int(path.split(os.sep)[-2])
        if track == "published":
            return article(Image.open(path).convert("RGB")), label
        return transform(decode_image(path, mode=ImageReadMode.RGB)), label


loader = DataLoader(Pictures(), batch_size=32, shuffle=True)
layers, inputs = [], 3
for outputs in (32, 64, 128, 128):
    layers += [nn.Conv2d(inputs, outputs, 3, padding="same"), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    inputs = outputs
classes = len(os.listdir(f"{data}/train"))
model = nn.Sequential(
    *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, classes)
)
optimizer = torch.optim.Adam(model.parameters())
loss_function = nn.CrossEntropyLoss()
seconds = []
for _ in range(epochs):
    started = time.perf_counter()
    model.train()
    running, correct = 0.0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        logits = model(images)
        loss = loss_function(logits, labels)
        loss.backward()
        optimizer.step()
        running += loss.item()
        correct += (logits.argmax(1) == labels).sum().item()
    seconds.append(time.perf_counter() - started)
print(json.dumps(seconds))
