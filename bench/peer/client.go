package peer

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

var errNoCredentials = errors.New("an answer holds no credentials")

// client is a client of OpenBao's with one kept connection. Like the stand-in of
// the Runtime API it writes to and reads from the connection itself, so that both
// sides are timed alike.
type client struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

// client opens a connection for the client with that token, who asks for
// credentials of the role.
func (s *server) client(ctx context.Context, token string) (*client, error) {
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 16<<10), request: fmt.Appendf(nil,
		"POST /v1/aws/sts/%s HTTP/1.1\r\nHost: %s\r\nX-Vault-Token: %s\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		roleName, s.address, token)}, nil
}

// ask makes one request: from its sending to its answer.
func (c *client) ask(ctx context.Context) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	sent := time.Now()
	if _, err := c.conn.Write(c.request); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(res.Body)
	took := time.Since(sent)
	_ = res.Body.Close() // it was only read
	if err != nil {
		return 0, err
	}
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("it answers %s: %s", res.Status, problem(text))
	}
	var vended struct {
		Data struct {
			AccessKey     string `json:"access_key"`
			SecurityToken string `json:"security_token"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &vended); err != nil || vended.Data.AccessKey == "" || vended.Data.SecurityToken == "" {
		return 0, errNoCredentials
	}
	return took, nil
}

func (c *client) close() { _ = c.conn.Close() }
