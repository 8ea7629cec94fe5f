// Command simulate tells what a fleet of clients does to one deployment of
// credvend: vends a second, throttles, cold starts, cost. docs/scale.md explains
// it, and is made by it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "simulate:", err)
			os.Exit(2)
		}
	}
}

// run is main with its surroundings as arguments.
func run(args []string, out, progress io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	if o.docs != "" {
		return document(o, out, progress)
	}
	outcome, err := o.scenario.simulate(progress)
	if err != nil {
		return err
	}
	bill, err := outcome.bill(o.prices, o.usage)
	if err != nil {
		return err
	}
	if err := outcome.print(out, bill); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return outcome.write(o.out, bill)
}
