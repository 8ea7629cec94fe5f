//go:build !race

package allowlist_test

const raceEnabled = false
