//go:build !unix

package service

import "context"

// onHangup waits for ctx to end: there is no SIGHUP here, and changed settings are seen by looking
// at the file.
func onHangup(ctx context.Context, _, _ func()) { <-ctx.Done() }
