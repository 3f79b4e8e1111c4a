// The standin command runs package graphtest on a socket, for end-to-end tests
// and for trying things out by hand:
//
//	go run ./graph/graphtest/standin --people 250 --ca-file ca.pem --ready-file ready.json
//
// The ready file appears when the stand-in answers. It ends on SIGTERM or
// SIGINT with exit code 0.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"ringbook/graph/graphtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "standin:", err)
		os.Exit(1)
	}
}

// ready is the ready file: all that a client needs.
type ready struct {
	URL          string `json:"url"` // of sign-in and Graph
	TenantID     string `json:"tenant_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	CAFile       string `json:"ca_file"`
	ControlURL   string `json:"control_url"` // see graphtest.Tenant.ServeHTTP
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("standin", flag.ContinueOnError)
	flags.SetOutput(out)
	var o graphtest.Options
	flags.IntVar(&o.People, "people", 250, "sample people")
	flags.Uint64Var(&o.Seed, "seed", 1, "which people: equal seeds give equal people")
	flags.Float64Var(&o.Photos, "photos", 0.5, "share of people with a photo")
	flags.IntVar(&o.OrgContacts, "org-contacts", 0, "sample organisational contacts")
	flags.IntVar(&o.PageSize, "page-size", 0, "people on a page of a delta (0 = 200)")
	flags.BoolVar(&o.EmptyPages, "empty-pages", false, "begin each round of a delta with an empty page")
	flags.BoolVar(&o.Minimal, "minimal", false, "give changed properties only")
	flags.IntVar(&o.Replay, "replay", 0, "repeat so many changes in each delta")
	flags.Func("roles", "granted application permissions, separated by commas (default User.Read.All)", func(s string) error {
		o.Roles = strings.Split(s, ",")
		return nil
	})
	listen := flags.String("listen", "127.0.0.1:0", "address")
	caFile := flags.String("ca-file", "", "where to write the certificate authority (PEM)")
	readyFile := flags.String("ready-file", "", "where to write address and credentials (JSON) once it answers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	tenant := graphtest.New(o)
	server, err := tenant.Start(ctx, *listen)
	if err != nil {
		return err
	}
	defer func() {
		if closing := server.Close(); err == nil {
			err = closing
		}
	}()
	if *caFile != "" {
		if err := put(*caFile, server.CAPEM()); err != nil {
			return err
		}
	}
	if *readyFile != "" {
		data, err := json.MarshalIndent(ready{
			URL: server.URL(), TenantID: tenant.TenantID(), ClientID: tenant.ClientID(), ClientSecret: tenant.Secret(),
			CAFile: *caFile, ControlURL: server.URL() + "/_control/",
		}, "", "\t")
		if err != nil {
			return fmt.Errorf("ready file: %w", err)
		}
		if err := put(*readyFile, append(data, '\n')); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "standin: serving", server.URL())
	<-ctx.Done()
	return nil
}

// put writes a file whole or not at all: somebody waits for it to appear.
func put(path string, data []byte) error {
	part := path + ".part"
	if err := os.WriteFile(part, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
