package replay_test

import (
	"testing"

	"github.com/credvend/credvend/internal/route"
)

func parse(t testing.TB, text string) route.Route {
	t.Helper()
	r, err := route.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
