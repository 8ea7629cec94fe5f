package price

import "time"

// Month is what a month is taken to be.
const Month = 30 * 24 * time.Hour

// Sizes are bytes that a request leaves behind. The audit lines were measured,
// and a test holds them to the function; Lambda's and the door's are assumed.
type Sizes struct {
	Issued   float64 // audit lines of a new issuance: intent and outcome
	Kept     float64 // of a reuse
	Refused  float64 // of a refusal
	Platform float64 // Lambda's own lines of a request
	Access   float64 // the front door's access log
	Answer   float64 // to the client, with headers
}

// DefaultSizes are those of the story's billing-service.
func DefaultSizes() Sizes {
	return Sizes{Issued: 3000, Kept: 1500, Refused: 1200, Platform: 600, Access: 400, Answer: 2600}
}

// Usage is what a run used.
type Usage struct {
	During       time.Duration
	Billed       uint64 // requests that API Gateway bills
	Invoked      uint64 // requests that reached the function
	Issued       uint64
	Kept         uint64
	Refused      uint64 // by the function: the brake, STS's quota
	Milliseconds uint64 // of the function, initialisation included
	MemoryMB     int
	Internet     float64 // part of the callers outside AWS's region
}

// Line is a line of a bill.
type Line struct {
	Name   string  `json:"name"`
	Amount float64 `json:"amount"` // in a month
	Unit   string  `json:"unit"`
	Cost   float64 `json:"cost"` // in a month
}

// Monthly is a bill for a month that goes on as the run did.
func (t *Table) Monthly(u Usage, s Sizes) []Line {
	months := float64(Month) / float64(u.During)
	lambdaLog := float64(u.Issued)*s.Issued + float64(u.Kept)*s.Kept + float64(u.Refused)*s.Refused + float64(u.Invoked)*s.Platform
	amounts := []struct {
		name   string
		amount float64
	}{
		{"httpApiRequests", float64(u.Billed)},
		{"lambdaRequests", float64(u.Invoked)},
		{"lambdaGBSecondsArm64", float64(u.Milliseconds) / 1000 * float64(u.MemoryMB) / 1024},
		{"lambdaLogIngestion", lambdaLog},
		{"logIngestion", float64(u.Billed) * s.Access},
		{"dataTransferOut", float64(u.Issued+u.Kept) * s.Answer * u.Internet},
	}
	var lines []Line
	for _, a := range amounts {
		p := t.find(a.name)
		lines = append(lines, Line{a.name, a.amount * months, p.Unit, p.Of(a.amount * months)})
	}
	return lines
}

// Sum is what lines cost together.
func Sum(lines []Line) float64 {
	sum := 0.0
	for _, l := range lines {
		sum += l.Cost
	}
	return sum
}
