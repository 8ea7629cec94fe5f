//go:build race

package racedetector

const on = true
