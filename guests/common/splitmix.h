// Numbers that look random and can be computed anywhere in their row: SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", 2014).
#pragma once

#include <stdint.h>

/// Number `index`, from 0, of the row that begins with `seed`.
static inline uint64_t splitmix(uint64_t seed, uint64_t index) {
    uint64_t value = seed + (index + 1) * 0x9E3779B97F4A7C15;
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
    value = (value ^ value >> 27) * 0x94D049BB133111EB;
    return value ^ value >> 31;
}
