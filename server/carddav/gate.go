package carddav

import (
	"time"

	"ringbook/server/gate"
)

// gateLimits are of answers that do not fit one buffer. Each holds some 150 KB, or
// 1.3 MB if it is compressed, for as long as the client takes to read.
func gateLimits() gate.Limits {
	return gate.Limits{
		Answers: 100,
		// DAVx5 asks for up to 8 multigets at once, which seldom are that large.
		PerDevice: 8,
		// Shorter than the 30 s after which the first clients give up.
		Wait: 20 * time.Second,
	}
}
