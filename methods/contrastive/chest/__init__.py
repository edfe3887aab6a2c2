"""Chest X-ray models that come as one checkpoint file of their training: GLoRIA, CARZero, AFLoc, KAD and MaCo."""
