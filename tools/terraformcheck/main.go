// Command terraformcheck holds Terraform modules to what can be held without
// network and without Terraform: that they parse, are formatted, refer to
// nothing that is not there, and use of the AWS provider only what schema.json
// lists.
//
//	terraformcheck DIR...
//
// With -plan it works a module out instead: it reads inputs from standard
// input, one JSON document after another, and answers each with a line of JSON
// that tells the resources and outputs, or why the input is refused. What AWS
// would say (ids, ARNs) is part of an input. A test compares the answers with
// the resolved CloudFormation templates.
//
// It is no Terraform: it knows the functions and the parts of the language that
// the modules use, and refuses the rest. schema.json was written from the
// provider's documentation; terraform validate, with the provider at hand, has
// the last word.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "terraformcheck:", err)
		os.Exit(1)
	}
}

func run(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("terraformcheck", flag.ContinueOnError)
	plan := flags.Bool("plan", false, "work out one module for each input on standard input")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || *plan && flags.NArg() != 1 {
		return errors.New("name the folders of modules to check, or with -plan the folder of one")
	}
	known, err := loadSchema()
	if err != nil {
		return err
	}
	if *plan {
		return planAll(flags.Arg(0), known, in, out)
	}
	found := 0
	for _, dir := range flags.Args() {
		m, err := loadModule(dir)
		if err != nil {
			return err
		}
		for _, problem := range m.check(known) {
			found++
			fmt.Fprintln(out, problem)
		}
	}
	if found > 0 {
		return fmt.Errorf("%d problems", found)
	}
	return nil
}

func planAll(dir string, known *schema, in io.Reader, out io.Writer) error {
	m, err := loadModule(dir)
	if err != nil {
		return err
	}
	inputs, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var i input
		if err := inputs.Decode(&i); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("an input cannot be read: %w", err)
		}
		if err := answers.Encode(m.plan(known, i)); err != nil {
			return err
		}
	}
}
