package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"ringbook/config"
)

// checked is the document of config check --json.
type checked struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Problems []config.Problem `json:"problems"`
	Warnings []config.Problem `json:"warnings"`
	Language string           `json:"language,omitempty"` // in whose order names are listed
}

func newConfig(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Look at the configuration",
		Example: "  ringbook config check --config ringbook.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(o.withJSON(&cobra.Command{
		Use:   "check",
		Short: "Say everything that is wrong with the configuration",
		Long: "Reads the configuration as serve would, and says everything that is wrong with it at once:\n" +
			"file, line, what is wrong and how to mend it. Nothing is started and nothing is asked of the tenant.",
		Example: "  ringbook config check --config /etc/ringbook/ringbook.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.checkConfig(cmd) },
	}))
	return cmd
}

func (o *options) checkConfig(cmd *cobra.Command) error {
	file := config.Find(o.config)
	cfg, err := config.Load(file)
	var problems config.Problems
	if err != nil && !errors.As(err, &problems) {
		return &hintError{err: err, code: exitUsage}
	}
	out := cmd.OutOrStdout()
	if o.json {
		doc := checked{File: file, OK: err == nil, Problems: problems, Warnings: []config.Problem{}}
		if cfg != nil {
			doc.Problems = []config.Problem{}
			doc.Warnings = append(doc.Warnings, cfg.Warnings...)
			doc.Language = cfg.Language
		}
		return errors.Join(printJSON(out, doc), err)
	}
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
	}
	_, err = fmt.Fprintf(out, "%s is in order.\nOrder of names: %s\n", file, cfg.Language)
	return err
}
