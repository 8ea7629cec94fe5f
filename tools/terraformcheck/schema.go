package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed schema.json
var schemaJSON []byte

// schema is the part of the AWS provider's schema that the modules use.
type schema struct {
	Resources map[string]*block `json:"resources"`
	Data      map[string]*block `json:"data"`
}

// block is what a resource, data source or nested block takes and tells.
type block struct {
	Required []string          `json:"required"`
	Optional []string          `json:"optional"`
	Computed []string          `json:"computed"` // told by AWS, never written
	Blocks   map[string]*block `json:"blocks"`
}

func loadSchema() (*schema, error) {
	d := json.NewDecoder(bytes.NewReader(schemaJSON))
	d.DisallowUnknownFields()
	var s schema
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("schema.json cannot be read: %w", err)
	}
	return &s, nil
}

// of is the schema of a resource; nil if it is not listed.
func (s *schema) of(r *resource) *block {
	if r.data {
		return s.Data[r.typ]
	}
	return s.Resources[r.typ]
}

func (b *block) takes(name string) bool {
	return slices.Contains(b.Required, name) || slices.Contains(b.Optional, name)
}

func (b *block) tells(name string) bool {
	return b.takes(name) || slices.Contains(b.Computed, name) || b.Blocks[name] != nil
}
