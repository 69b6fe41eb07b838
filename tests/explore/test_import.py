import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_importing_explore_brings_in_nothing_heavy():
    heavy = "{'umap', 'numba', 'sklearn', 'scipy', 'torch', 'streamlit', 'matplotlib', 'pooch'}"
    code = f"import sys, vae.explore; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_map_by_pca_and_neighbours_stay_light():
    code = (
        "import sys, numpy as np\n"
        "from vae.explore import neighbours, projection\n"
        "mu = np.eye(20)\n"
        "projection.place(mu, mu, projection.pca(mu).xy); neighbours.nearest(mu, mu, 3)\n"
        "print(sorted({'umap', 'sklearn', 'scipy', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
