from mtl.loggers.base import Logger
from mtl.loggers.console import ConsoleLogger
from mtl.loggers.csv import CSVLogger
from mtl.loggers.mlflow import MLflowLogger
from mtl.loggers.tensorboard import TensorBoardLogger
from mtl.loggers.tracker import Tracker
from mtl.loggers.wandb import WandbLogger

__all__ = ["CSVLogger", "ConsoleLogger", "Logger", "MLflowLogger", "TensorBoardLogger", "Tracker", "WandbLogger"]
