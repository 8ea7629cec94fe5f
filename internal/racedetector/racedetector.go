// Package racedetector tells tests whether they run under the race detector,
// which allocates by itself and makes everything slower: what counts
// allocations has nothing to count there. Tests alone may import it.
package racedetector

// On reports whether the race detector is in this program.
const On = on
