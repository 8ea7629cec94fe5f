package guard_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/credvend/credvend/bench/guard"
	"github.com/credvend/credvend/bench/inside/hotpath"
	"github.com/credvend/credvend/internal/racedetector"
)

var update = flag.Bool("update", false, "write the counts of this run into bench/baseline.txt")

const rounds = 500

// The hot path costs what the baseline says.
func TestBaseline(t *testing.T) {
	switch {
	case racedetector.On:
		t.Skip("the race detector allocates too: `make guard` runs this without it")
	case testing.CoverMode() != "":
		t.Skip("what counts coverage is inlined otherwise, and so allocates otherwise: `make guard` runs this without it")
	}
	counts := count(t)
	file := filepath.Join("..", "baseline.txt")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b, err := guard.Parse(string(text))
	if err != nil {
		t.Fatalf("bench/baseline.txt: %v", err)
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.Update(runtime.Version(), counts).String()), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Log("bench/baseline.txt is written: say why behind each new line's #")
		return
	}
	for _, v := range b.Judge(runtime.Version(), counts) {
		if v.Fails {
			t.Errorf("%s: %s", v.Name, v.Text)
		} else {
			t.Logf("%s: %s", v.Name, v.Text)
		}
	}
}

// count is allocations, and after them instructions where they are measured.
func count(t *testing.T) (counts []guard.Count) {
	t.Helper()
	ops, end, err := hotpath.Operations(t.Context(), hotpath.Standing())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	for _, op := range ops {
		n, err := hotpath.Allocations(rounds, op.Run)
		if err != nil {
			t.Fatalf("%s: %v", op.Name, err)
		}
		counts = append(counts, guard.Count{Name: op.Name, N: n, Optional: op.Foreign})
	}
	for _, op := range ops {
		n, err := guard.Instructions(t.Context(), guard.Perf(child), op.Name)
		if errors.Is(err, guard.ErrNotMeasured) {
			t.Log(err)
			break
		}
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		counts = append(counts, guard.Count{Name: guard.InstructionsName(op.Name), N: n, Optional: true})
	}
	return counts
}

// The process whose instructions are counted is this one again, which then runs
// TestPart alone.
const (
	partVar   = "GUARD_PART"
	roundsVar = "GUARD_ROUNDS"
)

func child(part string, rounds int) (argv, env []string) {
	// One processor and no garbage collection, as where allocations are counted.
	return []string{os.Args[0], "-test.run=^TestPart$"},
		[]string{partVar + "=" + part, roundsVar + "=" + strconv.Itoa(rounds), "GOMAXPROCS=1", "GOGC=off"}
}

func TestPart(t *testing.T) {
	part := os.Getenv(partVar)
	if part == "" {
		t.Skip("it is what TestBaseline counts the instructions of")
	}
	rounds, err := strconv.Atoi(os.Getenv(roundsVar))
	if err != nil {
		t.Fatal(err)
	}
	ops, end, err := hotpath.Operations(t.Context(), hotpath.Standing())
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	for _, op := range ops {
		if op.Name != part {
			continue
		}
		for range rounds {
			if err := op.Run(); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	t.Fatalf("there is no part %q", part)
}
