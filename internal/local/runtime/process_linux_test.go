package runtime_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/credvend/credvend/internal/local/runtime"
)

// state is the process's letter in /proc: T is stopped, Z dead but not collected.
func state(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	return string(fields[0])
}

func alive(pid int) bool { s := state(pid); return s != "" && s != "Z" }

// startAndLinger runs in a process of its own, which the test kills.
func startAndLinger() {
	f, err := runtime.Start(context.Background(), options("function"))
	if err != nil {
		panic(err)
	}
	answer, err := f.Invoke(context.Background(), []byte(`{"do":"report"}`))
	if err != nil {
		panic(err)
	}
	var r report
	if err := json.Unmarshal(answer.Payload, &r); err != nil {
		panic(err)
	}
	fmt.Println(r.PID)
	time.Sleep(time.Hour)
}

func TestFunctionDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), asBootstrap+"=parent")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if !alive(pid) {
		t.Fatal("the function does not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	eventually(t, "the function's end after its parent's", func() bool { return !alive(pid) })
}

func TestFreezeBetweenInvokes(t *testing.T) {
	o := options("function")
	o.Freeze = true
	f := start(t, o)
	first := reportOf(t, f)
	for range 5 {
		eventually(t, "the process is frozen", func() bool { return state(first.PID) == "T" })
		if again := reportOf(t, f); again.PID != first.PID {
			t.Fatal("thawing made another process")
		}
	}
	eventually(t, "the process is frozen", func() bool { return state(first.PID) == "T" })
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if alive(first.PID) {
		t.Error("a frozen process outlived Close")
	}
}
