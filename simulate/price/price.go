// Package price tells what a month costs by a table of list prices. The table is
// a file, since prices change and regions differ; nothing here is a promise of
// AWS's.
package price

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
)

//go:embed prices.json
var builtIn []byte

// Tier is a price up to an amount in a month; UpTo 0 is the last, without end.
type Tier struct {
	UpTo  float64 `json:"upTo,omitempty"`
	Price float64 `json:"price"`
}

// Price is that of one thing.
type Price struct {
	Name      string  `json:"name"`
	Per       float64 `json:"per"` // how many units Tier.Price is for
	Unit      string  `json:"unit"`
	Tiers     []Tier  `json:"tiers"`
	Source    string  `json:"source"`
	Confirmed string  `json:"confirmed"` // by what, and what is not
}

// Table is a file of prices.
type Table struct {
	About    string  `json:"about"`
	Region   string  `json:"region"`
	Currency string  `json:"currency"`
	Read     string  `json:"read"` // date
	Prices   []Price `json:"prices"`
}

// names are the prices that a table must have.
func names() []string {
	return []string{"httpApiRequests", "lambdaRequests", "lambdaGBSecondsArm64", "lambdaLogIngestion", "logIngestion", "dataTransferOut"}
}

// Load reads a table from a file; "" is the one built in, simulate/price/prices.json.
func Load(path string) (*Table, error) {
	text := builtIn
	if path != "" {
		var err error
		if text, err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	t, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the price table %s: %w", path, err)
	}
	return t, nil
}

func parse(text []byte) (*Table, error) {
	var t Table
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return nil, err
	}
	for _, name := range names() {
		p := t.find(name)
		if p == nil {
			return nil, fmt.Errorf("there is no price %s", name)
		}
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &t, nil
}

func (p *Price) check() error {
	if p.Per <= 0 || len(p.Tiers) == 0 {
		return errors.New("it needs per, above 0, and tiers")
	}
	from := 0.0
	for i, tier := range p.Tiers {
		last := i == len(p.Tiers)-1
		if tier.Price < 0 || last != (tier.UpTo == 0) || !last && tier.UpTo <= from {
			return errors.New("tiers rise, have a price each, and the last has no upTo")
		}
		from = tier.UpTo
	}
	return nil
}

func (t *Table) find(name string) *Price {
	for i := range t.Prices {
		if t.Prices[i].Name == name {
			return &t.Prices[i]
		}
	}
	return nil
}

// Of is what an amount costs.
func (p *Price) Of(amount float64) float64 {
	cost, from := 0.0, 0.0
	for _, tier := range p.Tiers {
		to := tier.UpTo
		if to == 0 {
			to = math.Inf(1)
		}
		if amount > from {
			cost += (math.Min(amount, to) - from) / p.Per * tier.Price
		}
		from = to
	}
	return cost
}
