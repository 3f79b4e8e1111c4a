package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"ringbook/directory"
)

const (
	// maxSocketPath is what a socket's address can hold: 108 bytes with a zero
	// on Linux, 104 on macOS and BSD.
	maxSocketPath = 103
	// probeWait is how long a socket that is there already may take to accept:
	// the kernel does that, so a server that only hangs is still found.
	probeWait = time.Second
)

// Listen opens the admin socket at path, which nobody but this user may open,
// from its first moment on. A socket that a dead process left behind is
// replaced; one on which somebody answers is [directory.ErrExists].
func Listen(ctx context.Context, path string) (net.Listener, error) {
	// The socket is made in a folder of our own, then moved to its name. That
	// name is the longer of the two, if only by a few bytes.
	if longest := filepath.Join(filepath.Dir(path), "s1234567890", "s"); max(len(longest), len(path)) > maxSocketPath {
		return nil, fmt.Errorf("admin socket %s: %d bytes, and a socket's path may have %d: choose a shorter data_dir: %w",
			path, max(len(longest), len(path)), maxSocketPath, directory.ErrInvalid)
	}
	if err := probe(ctx, path); err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	private, err := os.MkdirTemp(filepath.Dir(path), "s") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	defer os.RemoveAll(private) //nolint:errcheck // an empty folder is harmless
	l, err := listenAs(ctx, filepath.Join(private, "s"), path)
	if err != nil {
		return nil, fmt.Errorf("admin socket %s: %w", path, err)
	}
	return l, nil
}

// probe makes sure that nothing at path is worth keeping.
func probe(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("a file of that name is no socket; move it away: %w", directory.ErrExists)
	}
	d := net.Dialer{Timeout: probeWait}
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil //nolint:nilerr // nobody listens: that is what was to be found out
	}
	return errors.Join(fmt.Errorf("another server answers on it: %w", directory.ErrExists), conn.Close())
}

// listenAs listens on a socket at made and moves it to path.
func listenAs(ctx context.Context, made, path string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", made)
	if err != nil {
		return nil, err
	}
	u, ok := l.(*net.UnixListener)
	if !ok {
		return nil, errors.Join(fmt.Errorf("listener of type %T", l), l.Close())
	}
	u.SetUnlinkOnClose(false) // it would remove made, not path
	if err := os.Chmod(made, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	if err := os.Rename(made, path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	ours, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return &socket{UnixListener: u, path: path, ours: ours}, nil
}

// A socket removes its name when it is closed, unless another has it by then.
type socket struct {
	*net.UnixListener
	path string
	ours fs.FileInfo
	once sync.Once
}

// Addr returns the name under which clients find the socket.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close ends the socket and its name.
func (s *socket) Close() error {
	s.once.Do(func() {
		if info, err := os.Lstat(s.path); err == nil && os.SameFile(info, s.ours) {
			_ = os.Remove(s.path) // a leftover is replaced at the next start
		}
	})
	return s.UnixListener.Close()
}
