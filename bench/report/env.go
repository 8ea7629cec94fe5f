package report

// Env is what a section gets to measure with.
type Env struct {
	Root  string                        // of the checkout: where go build runs
	Dir   string                        // scratch of the run: its sections share it, and it is removed afterwards
	Quick bool                          // a tenth of the work: to see that it runs, not to believe
	Log   func(format string, a ...any) // progress, for people; must be set
}

// Rounds is how often to do something: full, or a tenth of it, at least least,
// in a quick run.
func (e Env) Rounds(full, least int) int {
	if !e.Quick {
		return full
	}
	return max(full/10, least)
}
