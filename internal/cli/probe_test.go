package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
)

// patience is how long scripts wait for what should come at once.
const patience = 30 * time.Second

// await waits until a file has something in it: await FILE.
func await() {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if info, err := os.Stat(os.Args[1]); err == nil && info.Size() > 0 {
			return
		}
	}
	fmt.Fprintln(os.Stderr, "await:", os.Args[1], "did not come")
	os.Exit(1)
}

// probe is a program for credvend exec to run. It shows what a command is
// given:
//
//	probe env PREFIX      names of variables, values of those without secrets
//	probe sdk             where the SDK finds credentials
//	probe exit CODE       ends so
//	probe die SIGNAL      ends by a signal
//	probe wait            says ready, and then the signal that comes
func probe() {
	args := append(os.Args[1:], "", "")
	number, _ := strconv.Atoi(args[1])
	switch args[0] {
	case "env":
		var lines []string
		for _, v := range os.Environ() {
			name, value, _ := strings.Cut(v, "=")
			if strings.HasPrefix(name, args[1]) {
				if strings.Contains(name, "SECRET") || strings.Contains(name, "TOKEN") || strings.Contains(name, "KEY_ID") || name == vendedMarker {
					value = fmt.Sprintf("(%t)", value != "")
				}
				lines = append(lines, name+"="+value)
			}
		}
		slices.Sort(lines)
		fmt.Println(strings.Join(lines, "\n"))
	case "sdk":
		ctx := context.Background()
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		creds, err := cfg.Credentials.Retrieve(ctx)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("from", creds.Source, "expires", creds.CanExpire)
	case "exit":
		os.Exit(number)
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.Signal(number))
		time.Sleep(time.Minute)
	case "wait":
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
		fmt.Println("ready")
		select {
		case s := <-c:
			fmt.Println("got", s)
			os.Exit(42)
		case <-time.After(patience):
			os.Exit(1)
		}
	}
}

// hang is a service that takes a call and never answers. It says its port, and
// makes the file connected once it was called.
func hang() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if err := os.WriteFile("connected", []byte("yes"), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		go func() { _, _ = io.Copy(io.Discard, conn) }()
	}
}

// signIn prints a JWT of the local issuer: sign-in SUBJECT GROUP.
func signIn() {
	resp, err := http.PostForm(os.Getenv("CREDVEND_ISSUER_URL")+"/token", url.Values{"sub": {os.Args[1]}, "groups": {os.Args[2]}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(os.Stdout, resp.Body)
}

// stubborn notices a first signal, says so in a file, and stays.
func stubborn() {
	ctx, stop := UntilInterrupted(context.Background())
	defer stop()
	for _, name := range []string{"started", "noticed"} {
		if err := os.WriteFile(name, []byte("yes"), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if name == "started" {
			<-ctx.Done()
		}
	}
	time.Sleep(patience)
}

// interruptible becomes the command that follows, with SIGINT as a terminal
// leaves it: a shell has its background commands ignore it.
func interruptible() {
	signal.Reset(syscall.SIGINT)
	program, err := exec.LookPath(os.Args[1])
	if err == nil {
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGINT) // a signal that is caught is reset in a new program
		err = syscall.Exec(program, os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
