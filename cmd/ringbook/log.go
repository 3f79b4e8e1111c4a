package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	// logPause is how long a line of the log may wait for others: a line for each
	// look-up, written on its own, costs as much as finding who calls.
	logPause = 100 * time.Millisecond
	// maxLogged is how much waits at most, in bytes.
	maxLogged = 32 << 10
)

// newLog makes the log of the server. Lines wait for a moment to be written together;
// warnings, and what stands before them, are written at once, and so is the rest by
// flush, which must be called last.
func newLog(w io.Writer, format string) (log *slog.Logger, flush func(), err error) {
	lines := newLogLines(w)
	switch format {
	case "text":
		return slog.New(prompt{slog.NewTextHandler(lines, nil), lines}), lines.flush, nil
	case "json":
		return slog.New(prompt{slog.NewJSONHandler(lines, nil), lines}), lines.flush, nil
	}
	return nil, nil, usage("--log %s: use text or json", format)
}

// A logLines gathers lines and writes many at once.
type logLines struct {
	w   io.Writer
	due *time.Timer

	mu      sync.Mutex
	waiting []byte
}

func newLogLines(w io.Writer) *logLines {
	l := &logLines{w: w}
	l.due = time.AfterFunc(logPause, l.flush)
	return l
}

func (l *logLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.due.Reset(logPause)
	}
	if l.waiting = append(l.waiting, line...); len(l.waiting) > maxLogged {
		l.write()
	}
	return len(line), nil
}

func (l *logLines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.write()
}

func (l *logLines) write() {
	if len(l.waiting) > 0 {
		_, _ = l.w.Write(l.waiting) // a log that cannot be written is no reason to stop serving
		l.waiting = l.waiting[:0]
	}
}

// A prompt has warnings and errors written at once.
type prompt struct {
	slog.Handler
	lines *logLines
}

// Handle implements [slog.Handler].
func (p prompt) Handle(ctx context.Context, r slog.Record) error {
	err := p.Handler.Handle(ctx, r)
	if r.Level > slog.LevelInfo {
		p.lines.flush()
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (p prompt) WithAttrs(attrs []slog.Attr) slog.Handler {
	return prompt{p.Handler.WithAttrs(attrs), p.lines}
}

// WithGroup implements [slog.Handler].
func (p prompt) WithGroup(name string) slog.Handler {
	return prompt{p.Handler.WithGroup(name), p.lines}
}
