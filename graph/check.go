package graph

import (
	"context"
)

// Check signs in and asks Graph for a delta link without data: the smallest
// request that a users round could fail with. See [Explain] for its error.
func Check(ctx context.Context, t Tenant) error {
	c, err := newClient(t)
	if err != nil {
		return err
	}
	var p page
	return c.get(ctx, c.path("$deltatoken=latest&$select=id", "users", "delta"), &p)
}
