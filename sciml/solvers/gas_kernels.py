"""Compiled loops for an ideal gas: WENO face values in characteristic variables, and HLLC. Imported on use.

Arrays are `(b, c, r, n)` with rows of cells along the last axis; the text follows `GasBasis`, `WENOZ`,
`PositivityLimiter.scale` and `HLLC`, whose results it reproduces to rounding. Every inner loop runs along a row and has
no branches, so that the compiler turns it into vector instructions.
"""

from typing import no_type_check

import numpy as np
from numba import njit

_jit = njit(cache=True, error_model="numpy")


@_jit
@no_type_check
def face_values(q, gamma, dimensions, power, epsilon, floor):
    """Left and right values at the `n + 1` faces of each row with three ghost cells at both ends.

    `floor` is that of the positivity limiter; zero leaves the limiter out.
    """
    samples, channels, rows, cells = q.shape
    faces = cells - 5
    left, right = np.empty((samples, channels, rows, faces)), np.empty((samples, channels, rows, faces))
    u, sound, kinetic, stiffness = np.empty(faces), np.empty(faces), np.empty(faces), np.empty(faces)
    carried, waves = np.empty((channels, faces)), np.empty((5, channels, faces))
    low, high = np.empty((channels, faces)), np.empty((channels, faces))
    inside, pressure = np.empty(cells), np.empty(faces)
    for b in range(samples):
        for r in range(rows):
            row = q[b, :, r]
            _mean(row, gamma[b], dimensions, u, sound, kinetic, stiffness, carried)
            for k in range(5):
                _project(row, k, dimensions, u, sound, kinetic, stiffness, carried, waves[k])
            for c in range(channels):
                _corrections(waves[0, c], waves[1, c], waves[2, c], waves[3, c], power, epsilon, low[c])
                _corrections(waves[4, c], waves[3, c], waves[2, c], waves[1, c], power, epsilon, high[c])
            _expand(row, 2, 1.0, low, dimensions, u, sound, kinetic, stiffness, carried, left[b, :, r])
            _expand(row, 3, -1.0, high, dimensions, u, sound, kinetic, stiffness, carried, right[b, :, r])
            if floor > 0:
                _pressures(row, gamma[b], dimensions, inside)
                _draw(row, inside, 2, gamma[b], dimensions, floor, pressure, left[b, :, r])
                _draw(row, inside, 3, gamma[b], dimensions, floor, pressure, right[b, :, r])
    return left, right


@_jit
@no_type_check
def _mean(row, gamma, dimensions, u, sound, kinetic, stiffness, carried):
    """Mean state at each face."""
    for i in range(len(u)):
        density = 0.5 * (row[0, i + 2] + row[0, i + 3])
        u[i] = 0.5 * (row[1, i + 2] + row[1, i + 3]) / density
        kinetic[i] = 0.5 * u[i] * u[i]
    for c in range(2, len(row)):
        if c != 1 + dimensions:
            for i in range(len(u)):
                density = 0.5 * (row[0, i + 2] + row[0, i + 3])
                carried[c, i] = 0.5 * (row[c, i + 2] + row[c, i + 3]) / density
        if c < 1 + dimensions:
            for i in range(len(u)):
                kinetic[i] += 0.5 * carried[c, i] * carried[c, i]
    for i in range(len(u)):
        density = 0.5 * (row[0, i + 2] + row[0, i + 3])
        energy = 0.5 * (row[1 + dimensions, i + 2] + row[1 + dimensions, i + 3]) / density
        squared = gamma * (gamma - 1) * (energy - kinetic[i])
        sound[i] = np.sqrt(squared)
        stiffness[i] = (gamma - 1) / squared


@_jit
@no_type_check
def _project(row, k, dimensions, u, sound, kinetic, stiffness, carried, out):
    """Amplitudes of the difference of cells `k + 1` and `k` beside each face."""
    energy = 1 + dimensions
    for i in range(len(u)):
        mass, momentum = row[0, i + k + 1] - row[0, i + k], row[1, i + k + 1] - row[1, i + k]
        out[energy, i] = kinetic[i] * mass - u[i] * momentum + (row[energy, i + k + 1] - row[energy, i + k])
    for c in range(2, energy):
        for i in range(len(u)):
            out[energy, i] -= carried[c, i] * (row[c, i + k + 1] - row[c, i + k])
    for c in range(2, len(row)):
        if c != energy:
            for i in range(len(u)):
                mass = row[0, i + k + 1] - row[0, i + k]
                out[c, i] = row[c, i + k + 1] - row[c, i + k] - carried[c, i] * mass
    for i in range(len(u)):
        mass, momentum = row[0, i + k + 1] - row[0, i + k], row[1, i + k + 1] - row[1, i + k]
        pressure, speed = stiffness[i] * out[energy, i], (momentum - u[i] * mass) / sound[i]
        out[0, i] = 0.5 * (pressure - speed)
        out[1, i] = 0.5 * (pressure + speed)
        out[energy, i] = mass - pressure


@_jit
@no_type_check
def _corrections(a, b, c, d, power, epsilon, out):
    for i in range(len(out)):
        bend = b[i] - a[i], c[i] - b[i], d[i] - c[i]
        slope = 3 * b[i] - a[i], b[i] + c[i], 3 * c[i] - d[i]
        first = 13 / 12 * bend[0] * bend[0] + 0.25 * slope[0] * slope[0]
        second = 13 / 12 * bend[1] * bend[1] + 0.25 * slope[1] * slope[1]
        third = 13 / 12 * bend[2] * bend[2] + 0.25 * slope[2] * slope[2]
        tau = abs(first - third)
        first, second, third = tau / (first + epsilon), tau / (second + epsilon), tau / (third + epsilon)
        if power == 2:
            first, second, third = first * first, second * second, third * third
        first, second, third = 0.1 * (1 + first), 0.6 * (1 + second), 0.3 * (1 + third)
        total = first * (5 * b[i] - 2 * a[i]) + second * (b[i] + 2 * c[i]) + third * (4 * c[i] - d[i])
        out[i] = total / (6 * (first + second + third))


@_jit
@no_type_check
def _expand(row, cell, sign, waves, dimensions, u, sound, kinetic, stiffness, carried, out):
    """Cell values plus the differences that waves make up."""
    energy = 1 + dimensions
    for i in range(len(u)):
        pressure, speed = waves[0, i] + waves[1, i], waves[1, i] - waves[0, i]
        mass = waves[energy, i] + pressure
        momentum = u[i] * mass + sound[i] * speed
        work = pressure / stiffness[i] - kinetic[i] * mass + u[i] * momentum
        out[0, i] = row[0, i + cell] + sign * mass
        out[1, i] = row[1, i + cell] + sign * momentum
        out[energy, i] = row[energy, i + cell] + sign * work
    for c in range(2, len(row)):
        if c != energy:
            for i in range(len(u)):
                mass = waves[energy, i] + (waves[0, i] + waves[1, i])
                out[c, i] = row[c, i + cell] + sign * (waves[c, i] + carried[c, i] * mass)
        if c < energy:
            for i in range(len(u)):
                mass = waves[energy, i] + (waves[0, i] + waves[1, i])
                out[energy, i] += sign * carried[c, i] * (waves[c, i] + carried[c, i] * mass)


@_jit
@no_type_check
def _pressures(state, gamma, dimensions, out):
    # Channel by channel: a loop over channels within that over cells would not become vector instructions.
    energy = state[1 + dimensions]
    for i in range(len(out)):
        out[i] = state[1, i] * state[1, i]
    for c in range(2, 1 + dimensions):
        for i in range(len(out)):
            out[i] += state[c, i] * state[c, i]
    for i in range(len(out)):
        out[i] = (gamma - 1) * (energy[i] - 0.5 * out[i] / state[0, i])


@_jit
@no_type_check
def _draw(row, inside, cell, gamma, dimensions, floor, pressure, out):
    """Draws face values to the averages of their cells where density or pressure asks for it."""
    _pressures(out, gamma, dimensions, pressure)
    asked = 0
    for i in range(len(pressure)):
        dense, hot = out[0, i] >= floor * row[0, i + cell], pressure[i] >= floor * inside[i + cell]
        asked += 0 if dense & hot else 1
    if asked == 0:
        return
    for i in range(len(pressure)):
        mean = row[0, i + cell]
        if not out[0, i] >= floor * mean:
            share = (1 - floor) * mean / (mean - out[0, i])
            for c in range(len(out)):
                out[c, i] = row[c, i + cell] + share * (out[c, i] - row[c, i + cell])
    _pressures(out, gamma, dimensions, pressure)
    for i in range(len(pressure)):
        if not pressure[i] >= floor * inside[i + cell]:
            share = (1 - floor) * inside[i + cell] / (inside[i + cell] - pressure[i])
            for c in range(len(out)):
                out[c, i] = row[c, i + cell] + share * (out[c, i] - row[c, i + cell])


@_jit
@no_type_check
def hllc(left, right, gamma, dimensions):
    """Fluxes between states `(b, c, r, n)`."""
    flux = np.empty_like(left)
    samples, _, rows, faces = left.shape
    work = np.empty((7, faces))
    for s in range(samples):
        for r in range(rows):
            _hllc_row(left[s, :, r], right[s, :, r], gamma[s], dimensions, work, flux[s, :, r])
    return flux


@_jit
@no_type_check
def _hllc_row(left, right, gamma, dimensions, work, out):
    """The flux is `below q_left + above q_right` and what the pressure adds; one of the two factors is zero."""
    energy, faces = 1 + dimensions, left.shape[1]
    share, kinetic, below, above, pushed, p_left, p_right = work
    _pressures(left, gamma, dimensions, p_left)
    _pressures(right, gamma, dimensions, p_right)
    for i in range(faces):
        a, b = np.sqrt(left[0, i]), np.sqrt(right[0, i])
        share[i] = a / (a + b)
        kinetic[i] = 0.0
    for c in range(1, energy):
        for i in range(faces):
            mean = share[i] * (left[c, i] / left[0, i]) + (1 - share[i]) * (right[c, i] / right[0, i])
            kinetic[i] += 0.5 * mean * mean
    for i in range(faces):
        rho_l, rho_r = left[0, i], right[0, i]
        u_l, u_r = left[1, i] / rho_l, right[1, i] / rho_r
        p_l, p_r = p_left[i], p_right[i]
        enthalpy = share[i] * ((left[energy, i] + p_l) / rho_l) + (1 - share[i]) * ((right[energy, i] + p_r) / rho_r)
        u, c = share[i] * u_l + (1 - share[i]) * u_r, np.sqrt((gamma - 1) * (enthalpy - kinetic[i]))
        first, last = u_l - np.sqrt(gamma * p_l / rho_l), u_r + np.sqrt(gamma * p_r / rho_r)
        slow, fast = u - c if u - c < first else first, u + c if u + c > last else last
        inflow, outflow = rho_l * (slow - u_l), rho_r * (fast - u_r)
        contact = (p_r - p_l + inflow * u_l - outflow * u_r) / (inflow - outflow)
        side = 1.0 if contact >= 0 else 0.0
        velocity, pressure = side * u_l + (1 - side) * u_r, side * p_l + (1 - side) * p_r
        outer, through = side * slow + (1 - side) * fast, side * inflow + (1 - side) * outflow
        cut = side * (slow if slow < 0 else 0.0) + (1 - side) * (fast if fast > 0 else 0.0)
        star, factor = pressure + through * (contact - velocity), cut / (outer - contact)
        speed = velocity + factor * (contact - velocity)
        below[i], above[i] = side * speed, (1 - side) * speed
        out[1, i] = pressure + factor * (star - pressure)
        pushed[i] = pressure * velocity + factor * (star * contact - pressure * velocity)
    for c in range(len(out)):
        for i in range(faces):
            passed = below[i] * left[c, i] + above[i] * right[c, i]
            out[c, i] = passed + out[1, i] if c == 1 else passed
    for i in range(faces):
        out[energy, i] += pushed[i]


@_jit
@no_type_check
def bent(x, smooth, factor):
    """`x` without its outermost rows, plus a factor times the second difference across rows where it is smooth."""
    samples, channels, rows, faces = x.shape
    out = np.empty((samples, channels, rows - 2, faces))
    first = (smooth.shape[1] - rows + 2) // 2
    for b in range(samples):
        for c in range(channels):
            for r in range(rows - 2):
                for i in range(faces):
                    second = x[b, c, r, i] - 2 * x[b, c, r + 1, i] + x[b, c, r + 2, i]
                    out[b, c, r, i] = x[b, c, r + 1, i] + (second * factor if smooth[b, r + first, i] > 0 else 0.0)
    return out


@_jit
@no_type_check
def calm(face, gamma, dimensions, limit, smooth):
    """Sets `smooth`, `(b, r - 2, n)`, to zero where density or pressure bend by more than `limit` across rows."""
    samples, _, rows, faces = face.shape
    pressure = np.empty((rows, faces))
    for b in range(samples):
        rho = face[b, 0]
        for r in range(rows):
            _pressures(face[b, :, r], gamma[b], dimensions, pressure[r])
        for r in range(rows - 2):
            for i in range(faces):
                bend = abs(rho[r, i] - 2 * rho[r + 1, i] + rho[r + 2, i]) - limit * rho[r + 1, i]
                bulge = abs(pressure[r, i] - 2 * pressure[r + 1, i] + pressure[r + 2, i]) - limit * pressure[r + 1, i]
                smooth[b, r, i] = smooth[b, r, i] if max(bend, bulge) < 0 else 0.0
