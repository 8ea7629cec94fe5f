package stack

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// peakMemory is the most resident memory that a process has had, in bytes.
func peakMemory(t *testing.T, pid int) (bytes int, known bool) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &bytes); err == nil {
			return bytes << 10, true
		}
	}
	t.Fatal("/proc tells no peak of memory")
	return 0, false
}

// runtimeAPI is the address of the Runtime API that a child of the process was
// given, as whoever runs as the same user can read it.
func runtimeAPI(t *testing.T, pid int) string {
	t.Helper()
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(string(children))
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		more, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name())) // a thread that has ended
		pids = append(pids, strings.Fields(string(more))...)
	}
	for _, child := range pids {
		env, _ := os.ReadFile("/proc/" + child + "/environ")
		for entry := range strings.SplitSeq(string(env), "\x00") {
			if address, ok := strings.CutPrefix(entry, "AWS_LAMBDA_RUNTIME_API="); ok {
				return address
			}
		}
	}
	t.Fatal("no child of the stack has a Runtime API")
	return ""
}
