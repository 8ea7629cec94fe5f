package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the commit and the Go release",
		Example: `  credvend version
  credvend --version`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return e.write([]byte(version() + "\n"))
		},
	}
}

// version describes the build, from what Go puts into every binary.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	number, commit, modified := info.Main.Version, "", false
	if number == "" {
		number = "(devel)"
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			commit = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			modified = s.Value == "true"
		}
	}
	text := "credvend " + number
	if commit != "" {
		text += ", commit " + commit
		if modified {
			text += " with changes"
		}
	}
	return fmt.Sprintf("%s, %s %s/%s", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
