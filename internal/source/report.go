package source

import "time"

// Status is a report of one load.
type Status struct {
	Err    error         // nil: loaded
	Digest string        // of the list that serves from now on; "" if none does
	Age    time.Duration // since that list was last known to be current
}

// tell reports a load, if it changes what is known.
func (s *Source) tell(err error) {
	if s.report == nil {
		return
	}
	s.mu.Lock()
	now := s.wall()
	st := Status{Err: err}
	if s.list != nil {
		st.Digest, st.Age = s.list.Digest(), now.Sub(s.fresh)
	}
	s.mu.Unlock()

	s.reportMu.Lock()
	defer s.reportMu.Unlock()
	said := "loaded " + st.Digest
	if err != nil {
		said = "failed " + err.Error()
	}
	if said == s.reported && (err == nil || within(now.Sub(s.reportedAt), s.maxAge)) {
		return
	}
	s.reported, s.reportedAt = said, now
	s.report(st)
}
