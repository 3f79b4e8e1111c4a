package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"ringbook/directory"
	"ringbook/graph"
	"ringbook/server/admin"
)

// redraw is how often the bar is drawn at most: the eye sees no more.
const redraw = 80 * time.Millisecond

// A progress shows how far the first sync is, on a terminal only.
type progress struct {
	w     io.Writer // nil = nobody looks
	total int

	mu    sync.Mutex
	feed  string
	bar   *progressbar.ProgressBar
	ended bool
}

// newProgress shows on stderr when that and stdout are terminals: who reads the
// result from a pipe or a file is no person. total is how many people there
// will be; 0 = not known.
func newProgress(stdout, stderr io.Writer, total int) *progress {
	if isTerminal(stdout) && isTerminal(stderr) {
		return &progress{w: stderr, total: total}
	}
	return &progress{total: total}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// show takes the mirror's news.
func (p *progress) show(n graph.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w == nil || p.ended {
		return
	}
	if p.bar == nil || p.feed != string(n.Feed) {
		p.feed = string(n.Feed)
		total := n.Total
		if total == 0 {
			total = p.total
		}
		p.bar = progressbar.NewOptions(max(total, n.Read, 1),
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(fmt.Sprintf("mirroring %-6s", p.feed)),
			progressbar.OptionShowCount(), progressbar.OptionSetWidth(40), progressbar.OptionThrottle(redraw),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
	}
	if n.Read > p.bar.GetMax() {
		p.bar.ChangeMax(n.Read)
	}
	p.must(p.bar.Set(n.Read))
	if n.Done {
		p.must(p.bar.Finish())
		p.bar = nil
	}
}

// seen reports whether anybody looks.
func (p *progress) seen() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w != nil && !p.ended
}

// follow shows the feed that is running. How much there will be is not known
// beforehand: as much as there is already, if anything.
func (p *progress) follow(st admin.Status) {
	for _, s := range st.Sources {
		if s.State == directory.FeedRunning && s.Read > 0 {
			p.show(graph.Progress{Feed: s.Name, Read: s.Read, Total: st.Contacts})
		}
	}
}

// end takes the bar away for good.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.must(p.bar.Clear())
	}
	p.ended = true
}

// must ends the drawing when the terminal is gone: nothing depends on it.
func (p *progress) must(err error) {
	if err != nil {
		p.w = nil
	}
}
