//go:build conformance

package main

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

const (
	tokenVariable     = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
	tokenFileVariable = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
)

// containerSuite is a stock client that is pointed at the JWT door, with no code
// of ours.
func (s *suite) containerSuite() {
	token, err := s.token("shopper-1", nil)
	if err == nil {
		err = s.contained(tokenVariable, token, func(cfg aws.Config) error {
			s.check("container: the session is the token's", s.named(cfg, assumed+"shopper@"))
			s.ownAndNoOthers("container", cfg, "shopper-1", "shopper-2")
			return nil
		})
	}
	s.check("container: the configuration loads", err)
}

// containerFileSuite has the token in a file, which is another one when the
// credentials are fetched anew.
func (s *suite) containerFileSuite() {
	dir, err := os.MkdirTemp("", "clients-")
	if err != nil {
		s.check("container-file: there is a folder", err)
		return
	}
	file := filepath.Join(dir, "token")
	put := func(sub string) error {
		token, err := s.token(sub, nil)
		if err != nil {
			return err
		}
		return os.WriteFile(file, []byte(token), 0o600)
	}
	err = put("shopper-1")
	if err == nil {
		err = s.contained(tokenFileVariable, file, func(cfg aws.Config) error {
			s.ownAndNoOthers("container-file", cfg, "shopper-1", "shopper-2")
			cache, ok := cfg.Credentials.(*aws.CredentialsCache)
			if !ok {
				return mismatchf("the credentials are no cache")
			}
			if err := put("shopper-2"); err != nil {
				return err
			}
			cache.Invalidate() // as at the end of the old ones' life
			s.check("container-file: the second token is used", s.status(s.read(cfg, "shopper-2"), http.StatusOK, ""))
			s.check("container-file: the first token is used no more", s.refused(s.read(cfg, "shopper-1")))
			return nil
		})
	}
	s.check("container-file: the configuration loads", errors.Join(err, os.RemoveAll(dir)))
}

// contained does something with what a program loads that finds the container's
// variables.
func (s *suite) contained(variable, value string, with func(aws.Config) error) (err error) {
	for name, value := range map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.jwt + vendPath + "/orders", variable: value} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.Unsetenv(name)) }()
	}
	cfg, err := config.LoadDefaultConfig(s.ctx)
	if err != nil {
		return err
	}
	return with(cfg)
}

func (s *suite) read(cfg aws.Config, user string) call {
	return call{method: http.MethodGet, url: s.target + "/users/" + user + "/x", as: &cfg}
}

// ownAndNoOthers makes the call that a shopper's credentials can make, and one
// that is another's.
func (s *suite) ownAndNoOthers(door string, cfg aws.Config, mine, others string) {
	s.check(door+": an allowed route is answered 200", s.status(s.read(cfg, mine), http.StatusOK, ""))
	s.check(door+": another route is refused 403", s.refused(s.read(cfg, others)))
}
