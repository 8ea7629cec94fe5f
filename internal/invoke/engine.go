package invoke

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"
)

// containerHost is this machine as containers of Docker Desktop, Finch and
// Podman's machine know it. They reach its loopback by that name.
const containerHost = "host.docker.internal"

// engine is a container engine that sam can use.
type engine struct {
	// gateway is this machine's own address on the engine's network, if the
	// engine runs on this machine and not in a virtual one.
	gateway netip.Addr
}

// findEngine asks the container engine whether it is there.
func findEngine(ctx context.Context) (engine, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	docker, err := exec.LookPath("docker")
	if err != nil {
		for _, other := range []string{"finch", "podman"} {
			if _, err := exec.LookPath(other); err == nil {
				return engine{}, nil // sam speaks to it itself
			}
		}
		return engine{}, unavailable("there is no container engine (docker, finch or podman), and sam runs the function in a container; make invoke needs none")
	}
	// Both in one: a daemon that does not answer fails it.
	out, err := exec.CommandContext(ctx, docker, "network", "inspect", "bridge", "--format", "{{range .IPAM.Config}}{{.Gateway}} {{end}}").Output()
	if err != nil && os.Getenv("DOCKER_HOST") == "" && exec.CommandContext(ctx, docker, "info").Run() != nil {
		return engine{}, unavailable("docker is installed and its daemon does not answer; start it (docker info says what is wrong), or use make invoke, which needs none")
	}
	for _, field := range strings.Fields(string(out)) {
		if a, err := netip.ParseAddr(field); err == nil && a.Is4() && isOwn(a) {
			return engine{a}, nil
		}
	}
	return engine{}, nil
}

// isOwn tells whether an address is one of this machine's.
func isOwn(a netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, own := range addresses {
		if p, err := netip.ParsePrefix(own.String()); err == nil && p.Addr() == a {
			return true
		}
	}
	return false
}

// listenFor listens where a container of the engine can reach it, and gives the
// address by which it does.
//
// Loopback does where the engine runs in a virtual machine, as on macOS and
// Windows. Where it runs on this machine, as on Linux, a container reaches this
// machine's loopback by no means: sam's --docker-network host leaves the
// container on the bridge. So the bridge's own address it is, and connections
// from elsewhere than this machine's networks of containers are dropped.
func listenFor(ctx context.Context, e engine) (_ net.Listener, host string, err error) {
	address := "127.0.0.1"
	if e.gateway.IsValid() {
		address = e.gateway.String()
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, "", fmt.Errorf("the local STS: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return nil, "", err
	}
	if e.gateway.IsValid() {
		return &near{Listener: l, gateway: e.gateway}, net.JoinHostPort(address, port), nil
	}
	return l, net.JoinHostPort(containerHost, port), nil
}

// near is a listener that takes connections from the network of its own address
// alone. Another machine can send packets to a bridge's address; it must not
// find an STS there.
type near struct {
	net.Listener
	gateway netip.Addr
}

// Accept implements net.Listener.
func (n *near) Accept() (net.Conn, error) {
	for {
		conn, err := n.Listener.Accept()
		if err != nil {
			return nil, err
		}
		remote, err := netip.ParseAddrPort(conn.RemoteAddr().String())
		if err == nil && sameNetwork(n.gateway, remote.Addr().Unmap()) {
			return conn, nil
		}
		_ = conn.Close() // a stranger's
	}
}

// sameNetwork tells whether an address is in the network of this machine's
// address own.
func sameNetwork(own, other netip.Addr) bool {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addresses {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr() == own && p.Contains(other) {
			return true
		}
	}
	return false
}
