package directory

// MaxSkips is how many objects a round names: enough to see what they have in
// common, too few to fill a terminal or a document.
const MaxSkips = 100

// A Skip names an object that a round left out, or of which it left a part out.
type Skip struct {
	ID     string `json:"id"`     // as it came, fit for one line; "" = it has none
	Reason string `json:"reason"` // a sentence of ours, never a value of the object
}

// Skip counts an object left out, and names it.
func (r *Round) Skip(id, reason string) {
	r.Skipped++
	r.Note(id, reason)
}

// Note names an object of which a part was left out.
func (r *Round) Note(id, reason string) {
	if len(r.Skips) >= MaxSkips {
		r.MoreSkips++
		return
	}
	r.Skips = append(r.Skips, Skip{ID: id, Reason: reason})
}
