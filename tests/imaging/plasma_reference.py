"""The definition of the plasma map, point by point, in float64."""

import numpy as np


def plasma_by_points(uniforms, decay):
    side = round((len(uniforms) + 1) ** 0.5)
    heights, draws = {(0, 0): 0.0}, iter(uniforms.astype(np.float64))
    step, wibble = side, 100.0

    def put(y, x, neighbours):
        mean = sum(heights[b % side, a % side] for b, a in neighbours) / 4
        heights[y, x] = mean + wibble * wibble * next(draws)

    while step >= 2:
        half, corners = step // 2, range(0, side, step)
        for y in corners:
            for x in corners:
                square = [(y, x), (y + step, x), (y, x + step), (y + step, x + step)]
                put(y + half, x + half, square)
        for dy, dx in ((0, half), (half, 0)):
            for y in corners:
                for x in corners:
                    b, a = y + dy, x + dx
                    put(b, a, [(b - half, a), (b + half, a), (b, a - half), (b, a + half)])
        step, wibble = half, wibble / decay
    array = np.array([[heights[y, x] for x in range(side)] for y in range(side)])
    array -= array.min()
    return array / array.max()
