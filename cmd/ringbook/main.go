// Ringbook mirrors the people of a Microsoft Entra tenant and serves them,
// read-only, to phones over CardDAV and to desk phones over LDAP.
//
// This package is the wiring: one file per command, the only reader of the
// configuration, the only place where an error becomes an exit code.
//
// # The tool's voice
//
// Results go to standard output, everything else to standard error. An error is
// one sentence that says what went wrong, then one that says what to do. With
// --json standard output holds exactly one JSON document.
//
// # Dependencies
//
//	for       we use                       why not something else
//	commands  spf13/cobra 1.10             the flag package has no subcommands; urfave/cli is as able, but cobra's help
//	                                       and completion are what operators know from kubectl, docker and gh
//	CardDAV   emersion/go-webdav 0.7       for check: a client that is not of our making; the only one in Go
//	LDAP      go-ldap/ldap 3.4             for check: what most Go programs reach a directory with
//	progress  schollz/progressbar/v3 3.19  one bar on one line is all we need; vbauerster/mpb draws many
//	terminal  golang.org/x/term            asks whether standard error is a terminal; the standard library cannot
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"ringbook/config"
	"ringbook/server/admin"
)

// Exit codes, stable for scripts (README, "Exit codes").
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2 // wrong usage or configuration
	exitUnreachable = 3 // the server or the tenant does not answer
)

// gcPercent trades a tenth of the time of a first mirror for a tenth of its
// memory: whoever plans a machine plans for the peak. GOGC overrides it.
const gcPercent = 75

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once what the first did not
	return execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

// execute runs one command line and returns its exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	root := newRoot(&o)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	code, hint := meaning(err)
	fmt.Fprintf(stderr, "ringbook: %s\n", o.copyable(err.Error()))
	if hint != "" {
		fmt.Fprintf(stderr, "          %s\n", o.copyable(hint))
	}
	return code
}

// A hintError is an error that knows its exit code and the next step.
type hintError struct {
	err  error
	code int
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// meaning is the one place where an error becomes an exit code and a next step.
func meaning(err error) (code int, hint string) {
	var known *hintError
	var problems config.Problems
	var failure *admin.Failure
	switch {
	case errors.As(err, &known):
		return known.code, known.hint
	case errors.As(err, &problems):
		return exitUsage, ""
	case errors.As(err, &failure):
		if errors.Is(err, admin.ErrUnreachable) {
			return exitUnreachable, failure.Hint
		}
		return exitFailed, failure.Hint
	}
	return exitFailed, ""
}

// usage makes an error of wrong usage.
func usage(format string, args ...any) error {
	return &hintError{err: fmt.Errorf(format, args...), code: exitUsage}
}

// options are the flags of every command.
type options struct {
	config string
	json   bool
}

func newRoot(o *options) *cobra.Command {
	root := &cobra.Command{
		Use:   "ringbook",
		Short: "Your company's directory on its phones, read-only",
		Long: "Ringbook mirrors the people of a Microsoft Entra tenant and serves them, read-only,\n" +
			"to mobile phones over CardDAV and to desk phones and PBXs over LDAP.",
		Example: "  ringbook demo\n  ringbook serve --config ringbook.toml\n" +
			"  ringbook device add --name \"Anna's iPhone\" --owner anna@contoso.com",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&o.config, "config", "", "configuration `FILE` (default ./ringbook.toml, then /etc/ringbook/ringbook.toml)")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &hintError{err: err, code: exitUsage, hint: "See: " + cmd.CommandPath() + " --help"}
	})
	root.AddCommand(
		newDemo(), newServe(o), newCheck(o), newSync(o), newStatus(o),
		newDevice(o), newContact(o), newBook(o), newTenant(o), newConfig(o), newVersion(o),
	)
	tellUsage(root)
	return root
}

// tellUsage makes wrong arguments of any command an error of usage, and an
// unknown subcommand too, which cobra would answer with the help and success.
func tellUsage(cmd *cobra.Command) {
	args := cmd.Args
	cmd.Args = func(c *cobra.Command, a []string) error {
		if c.HasSubCommands() && len(a) > 0 {
			return &hintError{err: fmt.Errorf("there is no command %q", c.CommandPath()+" "+a[0]), code: exitUsage, hint: "See: " + c.CommandPath() + " --help"}
		}
		if args == nil {
			return nil
		}
		if err := args(c, a); err != nil {
			return &hintError{err: err, code: exitUsage, hint: "See: " + c.CommandPath() + " --help"}
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		tellUsage(sub)
	}
}

// withJSON adds --json to a command.
func (o *options) withJSON(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON document")
	return cmd
}
