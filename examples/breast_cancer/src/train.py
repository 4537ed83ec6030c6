"""Trains at build time on the data set bundled with scikit-learn; writes model.joblib and held_out.json beside src/."""
import json
import pathlib

import joblib
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

root = pathlib.Path(__file__).resolve().parent.parent
data = load_breast_cancer()
train_x, test_x, train_y, test_y = train_test_split(data.data, data.target, test_size=0.2, random_state=7, stratify=data.target)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
model.fit(train_x, train_y)
joblib.dump(model, root / "model.joblib")
held_out = [{"features": row.tolist(), "label": str(data.target_names[label])} for row, label in zip(test_x, test_y)]
(root / "held_out.json").write_text(json.dumps(held_out))
print(f"trained on {len(train_x)} samples, {len(test_x)} held out")
