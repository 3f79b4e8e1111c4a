package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"ringbook/config"
	"ringbook/server/admin"
)

// socketName is the admin socket's place in the data folder.
const socketName = "admin.sock"

// client finds the running server by the configuration's data folder.
func (o *options) client() (*admin.Client, error) {
	dir, err := config.DataDir(config.Find(o.config))
	if err != nil {
		return nil, err
	}
	return admin.NewClient(filepath.Join(dir, socketName)), nil
}

// printJSON writes one indented document.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}
