import unittest

from breast_cancer import apply


class BreastCancerTest(unittest.TestCase):
    def test_most_held_out_samples_are_right(self):
        samples = apply({"held_out": True})
        right = sum(apply({"features": sample["features"]})["label"] == sample["label"] for sample in samples)
        self.assertGreaterEqual(right / len(samples), 0.93)

    def test_too_few_features_are_refused(self):
        with self.assertRaises(Exception):
            apply({"features": [1, 2, 3]})


if __name__ == "__main__":
    unittest.main()
