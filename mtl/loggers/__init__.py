from mtl.loggers.base import Logger
from mtl.loggers.console import ConsoleLogger
from mtl.loggers.csv import CSVLogger
from mtl.loggers.tensorboard import TensorBoardLogger

__all__ = ["CSVLogger", "ConsoleLogger", "Logger", "TensorBoardLogger"]
