package peer

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// PluginDirVar names the folder that holds OpenBao's AWS plugin, where that is
// not on the PATH.
const PluginDirVar = "OPENBAO_PLUGIN_DIR"

// serverName and pluginName are what OpenBao's releases call the two programs.
// The plugin's archive adds the platform: openbao-plugin-secrets-aws_linux_amd64_v1.
const (
	serverName = "bao"
	pluginName = "openbao-plugin-secrets-aws"
)

const howToGet = "to run it, put bao (https://github.com/openbao/openbao/releases) and " + pluginName +
	" (https://github.com/openbao/openbao-plugins/releases) on the PATH, or name the plugin's folder in " + PluginDirVar

// errAbsent is returned where a program of the peer's is not on this machine.
var errAbsent = errors.New("not on this machine")

// programs are the two binaries of the peer.
type programs struct{ server, plugin string }

// find looks for both programs; the error, errAbsent, names what is missing.
func find() (programs, error) {
	server, err := exec.LookPath(serverName)
	if err != nil {
		return programs{}, fmt.Errorf("%s (OpenBao): %w", serverName, errAbsent)
	}
	released := pluginName + "_" + runtime.GOOS + "_" + runtime.GOARCH
	for _, pattern := range []string{pluginName, released, released + "_*"} {
		if plugin := findPlugin(pattern); plugin != "" {
			return programs{server, plugin}, nil
		}
	}
	return programs{}, fmt.Errorf("%s (OpenBao's AWS plugin): %w", pluginName, errAbsent)
}

// findPlugin looks for a program of that name: in the folder that the variable
// names, or else on the PATH.
func findPlugin(pattern string) string {
	folders := filepath.SplitList(os.Getenv("PATH"))
	if named := os.Getenv(PluginDirVar); named != "" {
		folders = []string{named}
	}
	for _, folder := range folders {
		found, _ := filepath.Glob(filepath.Join(folder, pattern)) // the patterns are well formed
		for _, file := range found {
			if path, err := exec.LookPath(file); err == nil {
				return path
			}
		}
	}
	return ""
}

// install copies the plugin into a folder under the one name that it is
// registered by: OpenBao takes no link and nothing outside its plugin folder. It
// returns the copy's SHA-256 in hex, without which OpenBao does not run it.
func install(plugin, dir string) (digest string, err error) {
	in, err := os.Open(plugin)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }() // it was only read
	//nolint:gosec // a program must be executable
	out, err := os.OpenFile(filepath.Join(dir, pluginName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, sum), in)
	if err := errors.Join(err, out.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
