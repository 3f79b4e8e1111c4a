package store

import (
	"encoding/binary"
	"fmt"
	"time"

	"ringbook/directory"
	"ringbook/directory/index"
)

// The prefixes of keys; see the package comment.
const (
	contacts   = "c/"
	marks      = "k/"
	cursors    = "f/"
	asked      = "q/"
	jpegs      = "p/"
	trash      = "t/"
	devices    = "d/"
	activities = "a/"
	rounds     = "r/"
	groups     = "g/"
	dropped    = "x/"

	keySchema   = "m/schema"
	keyEpoch    = "m/epoch"
	keyRevision = "m/revision"
	keyRead     = "m/read"
	keyLoaded   = "m/loaded"
	keyJoined   = "m/joined"
	keyRenderer = "m/renderer"
	keyBooks    = "m/books"
)

// header is the length of a record before its contact.
const header = 8 + 8 + 16

// A record is a contact on disk.
type record struct {
	revision directory.Revision // at which the value, or the way it is drawn, last changed
	modified time.Time
	print    [16]byte
	contact  []byte // see encodeContact
}

func (r record) encode() []byte {
	b := make([]byte, 0, header+len(r.contact))
	b = binary.BigEndian.AppendUint64(b, uint64(r.revision))
	b = binary.BigEndian.AppendUint64(b, uint64(r.modified.Unix()))
	b = append(b, r.print[:]...)
	return append(b, r.contact...)
}

func decodeRecord(b []byte) (record, error) {
	if len(b) < header {
		return record{}, fmt.Errorf("record of %d bytes", len(b))
	}
	return record{
		revision: directory.Revision(binary.BigEndian.Uint64(b)),
		modified: time.Unix(int64(binary.BigEndian.Uint64(b[8:])), 0).UTC(),
		print:    [16]byte(b[16:]),
		contact:  b[header:],
	}, nil
}

func markKey(m index.Mark) string { return marks + string(m.Book) + "/" + string(m.ID) }

func encodeMark(m index.Mark) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 9), uint64(m.Revision))
	if m.Gone {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodeMark(b []byte) (rev directory.Revision, gone bool, err error) {
	if len(b) != 9 || b[8] > 1 {
		return 0, false, fmt.Errorf("mark of %d bytes", len(b))
	}
	return directory.Revision(binary.BigEndian.Uint64(b)), b[8] == 1, nil
}

func encodeNumber[T ~uint64 | ~int64](n T) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}

func decodeNumber[T ~uint64 | ~int64](b []byte) (T, error) {
	if len(b) != 8 {
		return 0, fmt.Errorf("number of %d bytes", len(b))
	}
	return T(binary.BigEndian.Uint64(b)), nil
}
