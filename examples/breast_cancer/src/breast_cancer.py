"""Predicts whether a tumour is malignant or benign from 30 measurements of its cell nuclei.

Input:  {"features": [30 numbers]} -> {"label": "malignant" | "benign", "probability": 0…1}
        {"held_out": true}         -> the samples that training never saw, with their labels
"""
import json
import pathlib

import joblib
from Algorithmia.errors import AlgorithmException

root = pathlib.Path(__file__).resolve().parent.parent
model = joblib.load(root / "model.joblib")
names = ["malignant", "benign"]


def apply(input):
    if isinstance(input, dict) and input.get("held_out") is True:
        return json.loads((root / "held_out.json").read_text())
    features = input.get("features") if isinstance(input, dict) else None
    if not isinstance(features, list) or len(features) != 30:
        raise AlgorithmException("features must be a list of 30 numbers", "InputError")
    probabilities = model.predict_proba([features])[0]
    best = int(probabilities.argmax())
    return {"label": names[best], "probability": float(probabilities[best])}
