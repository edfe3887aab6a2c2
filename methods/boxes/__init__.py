"""Methods that answer with boxes: vision-language models, detectors, text-prompted segmenters."""
