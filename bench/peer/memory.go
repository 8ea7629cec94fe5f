package peer

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// residentMemory is the memory of a process and of all that descend from it, in
// bytes, as the kernel counts it (VmRSS): pages that two of them share count
// twice, as they would on two machines. It is 0 where there is no /proc.
func residentMemory(pid int) (bytes int64) {
	children := processTree()
	for waiting := []int{pid}; len(waiting) > 0; {
		last := waiting[len(waiting)-1]
		waiting = append(waiting[:len(waiting)-1], children[last]...)
		bytes += resident(last)
	}
	return bytes
}

// processTree maps each process to its children.
func processTree() map[int][]int {
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	children := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// The second field is a name in parentheses, which may hold anything.
		fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		parent, _ := strconv.Atoi(string(fields[1]))
		children[parent] = append(children[parent], pid)
	}
	return children
}

// resident is the memory of one process in bytes; 0 if it has ended.
func resident(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		var kb int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	return 0
}
