package auth_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"ringbook/directory"
	"ringbook/server/auth"
)

func TestLoadKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "device.key")
	var keys [8]auth.Key
	var all sync.WaitGroup
	for i := range keys { // who comes first decides for all
		all.Go(func() {
			var err error
			if keys[i], err = auth.LoadKey(path); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, k := range keys {
		if k != keys[0] || k == (auth.Key{}) {
			t.Fatal("the keys differ or are none")
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLoadKeyRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"empty": "", "short": "abcd\n", "words": "not a key of sixty-four digits, but it has sixty-four characters"} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := auth.LoadKey(path); !errors.Is(err, directory.ErrInvalid) {
				t.Errorf("error is %v", err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
	if _, err := auth.LoadKey(filepath.Join(t.TempDir(), "no", "such")); err == nil {
		t.Error("no error for a folder that is not there")
	}
}
