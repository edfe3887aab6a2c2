"""The built-in data set: chest radiographs drawn by a program, with phrases, boxes and masks.

Every number of the generator is in `parameters`. What an image shows: `anatomy`, `view`, `regions`, put together in
`scene`. What a report says of it: `phrases`, `wordings`. Drawing: `chest`, `findings`, `devices`, `film`, put together
in `render`. Files and samples: `cache`, `dataset`, `check`.
"""

from .dataset import Phantom

__all__ = ["Phantom"]
