package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"ringbook/config"
)

func newServe(o *options) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Mirror the tenant and serve it",
		Long: "Serves what is stored at once, and reads the tenant's news behind it, every mirror.interval.\n" +
			"It runs until it is told to end (SIGTERM, Ctrl-C); the log goes to standard error.",
		Example: "  ringbook serve --config /etc/ringbook/ringbook.toml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			log, flush, err := newLog(cmd.ErrOrStderr(), format)
			if err != nil {
				return err
			}
			defer flush()
			cfg, err := config.Load(config.Find(o.config))
			if err != nil {
				return err
			}
			return serve(cmd.Context(), cfg, log)
		},
	}
	cmd.Flags().StringVar(&format, "log", "text", "the log's `FORMAT`: text or json")
	return cmd
}

func serve(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	for _, w := range cfg.Warnings {
		log.LogAttrs(ctx, slog.LevelWarn, "setting to look at", slog.String("setting", w.String()))
	}
	p, err := open(ctx, cfg, log, nil)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	err = errors.Join(p.run(ctx), p.close())
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	log.LogAttrs(ctx, slog.LevelInfo, "ended")
	return nil
}

// unlessEnded is err, or nil if that only says that ctx ended: a program that is
// told to end while it starts has not failed.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}
