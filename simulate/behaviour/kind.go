// Package behaviour tells how often each kind of client fetches credentials, and
// what it does where it cannot. The figures are those that docs/callers.md
// measured; a test holds them to its tables. It simulates nothing.
package behaviour

import (
	"fmt"
	"strings"
	"time"
)

// Renewal is what makes a client fetch anew.
type Renewal uint8

// The ways to come to a renewal. The zero value is the costliest.
const (
	EachCommand  Renewal = iota // a program that remembers nothing
	ByLeft                      // a fixed life is left
	RefreshAfter                // the answer's refreshAfter has passed
)

// Kind is a kind of client.
type Kind struct {
	Name   string   // the word of the flag -mix
	Labels []string // its rows in docs/callers.md
	Source string   // where the figures are from, if they were not measured

	Renews   Renewal
	Left     time.Duration // ByLeft: the life that is left when it fetches
	LeftTo   time.Duration // if not 0, it draws a moment from Left to here
	Persists time.Duration // it signs on, where it cannot renew, until this is left
	Crashes  bool          // a renewal that fails ends the program
	Pause    time.Duration // how long it leaves a failed renewal alone; 0: until it signs again
	Commands bool          // it is a person's or a script's command, not a program that stays

	Tries    int             // on 503, and on 429 unless Tries429 says otherwise
	Tries429 int             // 0: Tries
	Waits    []time.Duration // between tries
	Lots     bool            // each wait is drawn from 0 to what Waits has

	Patience time.Duration // it gives up on an answer after this; 0: it does not
	Post     bool          // it asks POST /v1/credentials, else GET /v1/credentials/TARGET
}

// Kinds are all kinds, in a fixed order.
func Kinds() []Kind {
	return []Kind{
		{
			Name: "go", Labels: []string{"AWS SDK for Go v2"},
			Renews: ByLeft, Left: 5 * time.Minute, Persists: 5 * time.Minute,
			Tries: 3, Waits: []time.Duration{2 * time.Second, 4 * time.Second}, Lots: true,
		},
		{
			Name: "js", Labels: []string{"AWS SDK for JavaScript v3"},
			Renews: ByLeft, Left: 5 * time.Minute,
			Tries: 5, Waits: repeat(750*time.Millisecond, 4), Patience: time.Second,
		},
		{
			Name: "js-before", Labels: []string{"AWS SDK for JavaScript v3, before 3.1123.0"},
			Renews: ByLeft, Left: 5 * time.Minute, Crashes: true,
			Tries: 5, Waits: repeat(time.Second, 4), Patience: time.Second,
		},
		{
			Name: "boto3", Labels: []string{"boto3, botocore"},
			Renews: ByLeft, Left: 15 * time.Minute, Persists: 10 * time.Minute,
			Tries: 3, Waits: repeat(time.Second, 2), Patience: 2 * time.Second,
		},
		{
			Name: "java", Source: "read in the source of ContainerCredentialsProvider, CachedSupplier and ContainerCredentialsRetryPolicy (aws-sdk-java-v2); not measured",
			Renews: ByLeft, Left: 15 * time.Minute, LeftTo: 2 * time.Minute, Persists: time.Minute,
			Tries: 6, Tries429: 1, Waits: repeat(time.Millisecond, 5),
		},
		{
			Name: "client", Labels: []string{"Go package `client`"},
			Renews: RefreshAfter, Pause: time.Minute,
			Tries: 3, Waits: repeat(time.Second, 2), Post: true,
		},
		{
			Name: "process", Labels: []string{"AWS CLI by `credvend process`"},
			Renews: RefreshAfter, Commands: true,
			Tries: 3, Waits: repeat(time.Second, 2), Post: true,
		},
		{
			Name: "cli", Labels: []string{"AWS CLI 1", "AWS CLI 2"},
			Renews: EachCommand, Commands: true,
			Tries: 3, Waits: repeat(time.Second, 2), Patience: 2 * time.Second,
		},
	}
}

// MinUse is how long package client and the tool use credentials before they
// ask again, whatever refreshAfter says.
const MinUse = time.Minute

// RefreshFrom and RefreshTo are the part of a life after which the service's
// refreshAfter lies.
const (
	RefreshFrom = 0.4
	RefreshTo   = 0.6
)

// Find returns a kind by its name.
func Find(name string) (Kind, error) {
	var names []string
	for _, k := range Kinds() {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("there is no kind of client %q; the kinds are %s", name, strings.Join(names, ", "))
}

// TriesAt is how often it asks before it gives up, where the answer has a status.
func (k Kind) TriesAt(status int) int {
	if status == 429 && k.Tries429 > 0 {
		return k.Tries429
	}
	return k.Tries
}

func repeat(d time.Duration, n int) []time.Duration {
	all := make([]time.Duration, n)
	for i := range all {
		all[i] = d
	}
	return all
}
