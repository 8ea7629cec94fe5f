package local

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/credvend/credvend"
	"github.com/credvend/credvend/internal/local/deploy"
)

// The templates, as they lie in a folder.
const (
	brokerFile = "template.yaml"
	targetFile = "accounts/target.yaml"
)

// templates are what the two accounts are made from.
type templates struct{ broker, target *deploy.Template }

// readTemplates reads those of a folder; "" stands for the ones built in.
func readTemplates(dir string) (t templates, err error) {
	broker, target := credvend.BrokerTemplate, credvend.TargetTemplate
	if dir != "" {
		if broker, err = readTemplate(dir, brokerFile); err != nil {
			return t, err
		}
		if target, err = readTemplate(dir, targetFile); err != nil {
			return t, err
		}
	}
	if t.broker, err = deploy.Parse(brokerFile, broker); err != nil {
		return t, err
	}
	t.target, err = deploy.Parse(targetFile, target)
	return t, err
}

func readTemplate(dir, name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("the templates cannot be read: %w; --templates takes a folder that holds %s and %s, as credvend's repository does", err, brokerFile, targetFile)
	}
	return text, nil
}
