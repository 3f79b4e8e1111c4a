package index

import (
	"strings"
	"time"

	"ringbook/directory/filter"
)

// GeneralizedTime is how times are written (RFC 4517 §3.3.13), for [time.Time.Format]
// in UTC.
const GeneralizedTime = "20060102150405Z"

// ParseTime reads a GeneralizedTime: without minutes or seconds, with a
// fraction of a second, and of any zone, as it allows. false = it is none.
func ParseTime(s string) (time.Time, bool) {
	s = strings.Replace(s, ",", ".", 1)
	for _, layout := range []string{"20060102150405Z0700", "200601021504Z0700", "2006010215Z0700", "20060102150405Z07", "200601021504Z07", "2006010215Z07"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// timeTest compares when a contact changed (generalizedTimeMatch and
// generalizedTimeOrderingMatch, RFC 4517 §4.2.16 f.).
func timeTest(f *filter.Filter) test {
	at, ok := ParseTime(f.Value)
	if !ok {
		return always(filter.Undefined)
	}
	var fits func(int) bool
	switch f.Op {
	case filter.Equal, filter.Approx:
		fits = func(order int) bool { return order == 0 }
	case filter.GreaterOrEqual:
		fits = func(order int) bool { return order >= 0 }
	case filter.LessOrEqual:
		fits = func(order int) bool { return order <= 0 }
	default:
		return always(filter.Undefined)
	}
	return func(e *Entry) filter.Result { return filter.Of(fits(e.Modified().Compare(at))) }
}
