package process

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority is a certificate for 127.0.0.1 and the variables with which a
// program trusts it.
type authority struct {
	chain     [][]byte
	key       *ecdsa.PrivateKey
	variables map[string]string
}

// rootFiles are where systems keep their roots: Debian, Red Hat and Amazon
// Linux, SUSE, BSD and macOS.
var rootFiles = []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"}

// newAuthority makes a certificate that signs itself, and puts it before this
// system's own roots: a program has as many to read as on Lambda.
func newAuthority(dir string) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stand-in of STS"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for _, name := range rootFiles {
		if text, err := os.ReadFile(name); err == nil {
			roots = append(roots, text...)
			break
		}
	}
	file, none := filepath.Join(dir, "roots.pem"), filepath.Join(dir, "no-roots")
	if err := os.WriteFile(file, roots, 0o600); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(none, 0o700); err != nil {
		return nil, err
	}
	return &authority{[][]byte{der}, key, map[string]string{"SSL_CERT_FILE": file, "SSL_CERT_DIR": none}}, nil
}
