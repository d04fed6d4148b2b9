"""The people in a data set: faces whose embeddings are alike, whatever video they are in."""

import numpy as np
import numpy.typing as npt

# Cosine similarity of the mean embeddings of two people's faces from which they count as one.
SAME_PERSON = 0.55
_BLOCK = 2048

Vectors = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]


def cluster_people(vectors: Vectors, least: float = SAME_PERSON) -> Numbers:
    """Return the number of the person whom each face shows.

    Two clusters become one where each is the most similar of all to the other and the mean of the
    cosines between their faces is at least ``least`` (average linkage by reciprocal nearest
    neighbours; Murtagh, *A Survey of Recent Advances in Hierarchical Clustering Algorithms*, 1983).
    Single linkage would join everybody to everybody through chains of people who look alike.

    Args:
        vectors: float32 (N, D), embeddings of length 1.
        least: Smallest mean cosine within a person, -1..1.

    Returns:
        int64 (N,), from 0 in the order in which people first appear.

    Example:
        >>> cluster_people(np.eye(3, dtype=np.float32)[[2, 0, 2, 1]])
        array([0, 1, 0, 2])
    """
    cluster = np.arange(len(vectors))
    while True:
        names, cluster = np.unique(cluster, return_inverse=True)
        sizes = np.bincount(cluster, minlength=len(names)).astype(np.float32)
        # The scalar product of two means is the mean of the cosines between their faces.
        means = np.zeros((len(names), vectors.shape[1]), np.float32)
        np.add.at(means, cluster, vectors)
        nearest, cosine = _nearest(means / sizes[:, None])
        number = np.arange(len(names))
        merged = (cosine >= least) & (nearest[nearest] == number) & (nearest < number)
        if not merged.any():
            break
        cluster = np.where(merged, nearest, number)[cluster]
    _, first, cluster = np.unique(cluster, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[cluster], np.int64)


def _nearest(means: Vectors) -> tuple[Numbers, Vectors]:
    """Return the most similar other row of each row, and the cosine, block by block."""
    nearest = np.zeros(len(means), np.int64)
    cosine = np.full(len(means), -1, np.float32)
    for first in range(0, len(means), _BLOCK):
        rows = np.arange(first, min(first + _BLOCK, len(means)))
        products = means[rows] @ means.T
        products[rows - first, rows] = -np.inf
        nearest[rows] = products.argmax(axis=1)
        cosine[rows] = products.max(axis=1)
    return nearest, cosine
