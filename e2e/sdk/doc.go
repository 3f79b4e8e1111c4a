// Package sdk reads the Graph stand-in with Microsoft's own Go SDK, so that the
// stand-in is known to speak Graph and not merely what Ringbook expects.
//
// It is a module of its own because the SDK's models compile for minutes and
// take 4.5 GB of memory: nobody who builds or tests Ringbook pays for that. Run
// it with
//
//	cd e2e/sdk && go test ./...
//
// The SDK's package users is enough; the root client would compile every
// service of Microsoft 365 on top, for nothing more in this test.
package sdk
