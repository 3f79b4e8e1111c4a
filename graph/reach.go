package graph

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// smallSkew is how far the clocks may be apart without anybody being told: a
// machine that keeps time at all stays below.
const smallSkew = time.Minute

// resolves looks up the host of a service.
func (c *checker) resolves(service string) func(context.Context) []CheckResult {
	return func(ctx context.Context) []CheckResult {
		u, err := parseEndpoint(service)
		if err != nil {
			return failure(err)
		}
		if p := c.proxy(u); p != "" {
			return fine(fmt.Sprintf("%s is resolved by the proxy %s.", u.Hostname(), p))
		}
		if net.ParseIP(u.Hostname()) != nil {
			return fine(u.Hostname() + " is an address.")
		}
		if _, err := net.DefaultResolver.LookupHost(ctx, u.Hostname()); err != nil {
			return failure(err)
		}
		return fine("The name " + u.Hostname() + " resolves.")
	}
}

// answers asks a service for anything, without a token: whatever it says, it
// was reached, its certificate is good, and it told the time.
func (c *checker) answers(service string) func(context.Context) []CheckResult {
	return func(ctx context.Context) []CheckResult {
		u, err := parseEndpoint(service)
		if err != nil {
			return failure(err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
		if err != nil {
			return failure(err)
		}
		resp, err := newTransport(c.tenant.HTTP).Do(req)
		if err != nil {
			return failure(err)
		}
		_, _ = io.CopyN(io.Discard, resp.Body, maxErrorBody) // so that the connection is used again
		_ = resp.Body.Close()                                // nothing was written
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			c.skews = append(c.skews, time.Since(at).Round(time.Second))
		}
		way := "over plain http on this machine"
		if resp.TLS != nil {
			way = "and its certificate is trusted"
		}
		if p := c.proxy(u); p != "" {
			way += fmt.Sprintf(" (through the proxy %s)", p)
		}
		return fine(fmt.Sprintf("%s answers, %s.", u.Host, way))
	}
}

// clock compares this machine's clock with the service that is furthest off it.
func (c *checker) clock(context.Context) []CheckResult {
	var worst time.Duration
	for _, s := range c.skews {
		if s.Abs() > worst.Abs() {
			worst = s
		}
	}
	side := "ahead of"
	if worst < 0 {
		side = "behind"
	}
	r := CheckResult{
		State: CheckWarning, Detail: fmt.Sprintf("This machine's clock is %v %s the tenant's.", worst.Abs(), side),
		Mend: "Set the clock, and have it kept right by NTP: Entra refuses more than 5 minutes.",
	}
	switch {
	case len(c.skews) == 0:
		return []CheckResult{{State: CheckSkipped, Detail: "Not asked: needs login or graph."}}
	case worst.Abs() <= smallSkew:
		return fine("This machine's clock is right.")
	case worst.Abs() > maxSkew:
		r.State = CheckFailed
	}
	return []CheckResult{r}
}
