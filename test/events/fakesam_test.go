package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/credvend/credvend/internal/local/cfn"
	"github.com/credvend/credvend/internal/local/runtime"
)

// The environment of a fake sam.
const (
	fakeSAMVariable   = "FAKE_SAM"        // set: this test binary is sam
	fakeSAMRecord     = "FAKE_SAM_RECORD" // file for what it was given
	containersName    = "host.docker.internal"
	samDefaultAccount = "123456789012"
)

// samRecord is what a fake sam was given.
type samRecord struct {
	Args      []string
	Region    string
	Telemetry string
	Profile   string
	Names     []string // of the function's variables
	Endpoint  string
	Arch      any
}

// fakeSAM is `sam local invoke` without a container: it reads the template
// with its parameters, takes of --env-vars what the template names and nothing
// else, hands on the AWS identity of its environment, runs the code's bootstrap,
// and prints its answer on standard output and all else on standard error.
func fakeSAM(ctx context.Context, args []string) int {
	if err := playSAM(ctx, args); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 1
	}
	return 0
}

func playSAM(ctx context.Context, args []string) error {
	if len(args) < 3 || args[0] != "local" || args[1] != "invoke" || args[2] != "VendFunction" {
		return fmt.Errorf("not called as sam local invoke VendFunction: %q", args)
	}
	flags := flag.NewFlagSet("sam", flag.ContinueOnError)
	template := flags.String("template", "", "")
	event := flags.String("event", "", "")
	env := flags.String("env-vars", "", "")
	region := flags.String("region", "", "")
	first := flags.String("parameter-overrides", "", "") // and all that follows it
	if err := flags.Parse(args[3:]); err != nil {
		return err
	}
	parameters := map[string]string{}
	for _, p := range append(flags.Args(), *first) {
		name, value, _ := strings.Cut(p, "=")
		parameters[name] = value
	}
	function, err := readFunction(*template, parameters)
	if err != nil {
		return err
	}
	vars, err := override(function.variables, *env)
	if err != nil {
		return err
	}
	record := samRecord{
		Args: args, Region: *region, Telemetry: os.Getenv("SAM_CLI_TELEMETRY"), Profile: os.Getenv("AWS_PROFILE"),
		Endpoint: vars["AWS_ENDPOINT_URL_STS"], Arch: function.architecture,
	}
	list := []string{}
	for name, value := range vars {
		record.Names = append(record.Names, name)
		list = append(list, name+"="+strings.Replace(value, containersName, "127.0.0.1", 1))
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		list = append(list, name+"="+os.Getenv(name))
	}
	text, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if err := os.WriteFile(os.Getenv(fakeSAMRecord), text, 0o600); err != nil {
		return err
	}
	payload, err := os.ReadFile(*event)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Invoking bootstrap (provided.al2023)\nMounting %s as /var/task:ro,delegated, inside runtime container\n", function.code)
	f, err := runtime.Start(ctx, runtime.Options{
		Bootstrap: []string{filepath.Join(function.code, "bootstrap")}, FunctionARN: "arn:aws:lambda:" + *region + ":" + samDefaultAccount + ":function:VendFunction",
		Timeout: 10 * time.Second, Env: list, Stdout: os.Stderr, Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	answer, err := f.Invoke(ctx, payload)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = io.WriteString(os.Stdout, string(answer.Payload)+"\n")
	return err
}

// samFunction is what of the template sam local needs.
type samFunction struct {
	code         string
	variables    map[string]string
	architecture any
}

func readFunction(file string, parameters map[string]string) (*samFunction, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	template, err := cfn.Parse(text)
	if err != nil {
		return nil, err
	}
	stack, err := template.Resolve(cfn.Options{
		Parameters: parameters,
		Pseudo:     cfn.Pseudo{AccountID: samDefaultAccount, Region: "us-east-1", Partition: "aws", URLSuffix: "amazonaws.com", StackName: "local", StackID: "local"},
		Attribute:  func(r cfn.Reference) (any, error) { return r.LogicalID, nil }, // as sam does
	})
	if err != nil {
		return nil, err
	}
	p := stack.Resources["VendFunction"].Properties
	f := &samFunction{variables: map[string]string{}, architecture: p["Architectures"]}
	f.code, _ = p["CodeUri"].(string)
	environment, _ := p["Environment"].(map[string]any)
	variables, _ := environment["Variables"].(map[string]any)
	for name, value := range variables {
		f.variables[name], _ = cfn.Text(value)
	}
	if f.code == "" || p["Handler"] != "bootstrap" || p["Runtime"] != "provided.al2023" {
		return nil, fmt.Errorf("VendFunction is not as sam needs it: %v", p)
	}
	return f, nil
}

// override replaces variables by those of the file, as sam does: names that
// the template has not are dropped without a word.
func override(variables map[string]string, file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var given map[string]map[string]string
	if err := json.Unmarshal(text, &given); err != nil {
		return nil, err
	}
	for name, value := range given["VendFunction"] {
		if _, ok := variables[name]; ok {
			variables[name] = value
		}
	}
	return variables, nil
}
